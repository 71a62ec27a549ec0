/**
 * Fuzz targets for the wire between duplicators of two hosts: handshake, frames and changed blocks.
 * Any division into chunks gives the same result or the same reason, within bounds. Run by the
 * fuzzer (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import type { RandomBits } from '../../../simulator/random.js';
import { RecordReader } from '../../../protocol/rpc/security/record-reader.js';
import { protectionOf, type RecordProtection } from '../../../protocol/rpc/security/records.js';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { PLAIN_TRANSPORT } from '../../../protocol/rpc/security/transport.js';
import { BLOCKS_PAYLOAD_BYTES, applyBlocks, encodeBlocks } from '../../../protocol/flow/wire/blocks.js';
import { FrameReader } from '../../../protocol/flow/wire/frame-reader.js';
import {
  CallerHandshake,
  ListenerHandshake,
  type CallerStep,
} from '../../../protocol/flow/wire/handshake.js';
import {
  ANSWER_BYTES_MAX,
  HandshakeKind,
  HandshakeReader,
  decodeHello,
  decodeWelcome,
  encodeHandshake,
  encodeRefusal,
  encodeWelcome,
} from '../../../protocol/flow/wire/handshake-messages.js';
import {
  SlotSink,
  newSlots,
  randomFrameList,
  randomFrames,
  readDirectly,
  readFed,
} from '../../protocol/flow/wire/frames.js';
import { SealedFrameReader, recordLimit } from '../../../protocol/flow/wire/sealed-frame-reader.js';
import type { FuzzTarget } from '../fuzzer.js';
import { chunksOf } from '../mutation.js';

const SECRET = new Secret('a secret for fuzzing');
const HELLO = {
  application: 'e23001',
  flow: 'events',
  id: '0'.repeat(32),
  delivery: 'lossless',
  crc: true,
  integrity: 'on',
  resume: { epoch: 1, sequence: 2 },
} as const;
const WELCOME = {
  epoch: 1,
  first: 0,
  delivery: 'lossy',
  integrity: 'on',
  type: 'bytes',
  properties: '{}',
  buffers: 2,
  bufferSize: 1,
  mirror: false,
  state: 'live',
  sinceNs: 1e18,
  generation: 1,
} as const;
const MEMORY_BYTES = 100_000;
/** The contents of the memory before blocks are applied. */
const BEFORE = Buffer.alloc(MEMORY_BYTES, 7);
const memory = Buffer.alloc(MEMORY_BYTES);
/**
 * Created once, since creating them takes long; with different contents, so that bytes which were
 * not received differ.
 */
const [wholeSlots, chunkedSlots, directSlots] = [newSlots(1), newSlots(2), newSlots(3)];

export const wireFrames: FuzzTarget = {
  name: 'wire-frames',
  dictionary: [
    Buffer.from([1, 0, 0, 0]),
    Buffer.alloc(8, 0xff),
    Buffer.from([0x40, 0x9c, 0, 0]),
    Buffer.from([8, 0, 7, 0]),
  ],
  generate: randomFrames,
  run: (input, random) => {
    const whole = new SlotSink(0, wholeSlots);
    const problem = readFed([input], whole);
    const chunked = new SlotSink(random() % 4, chunkedSlots);
    assert.equal(readFed(chunksOf(input, random), chunked), problem);
    assert.deepEqual(chunked.frames, whole.frames);
    const direct = new SlotSink(random() % 4, directSlots);
    const chunkBytesMax = 1 + (random() % 70_000);
    assert.equal(
      readDirectly(input, direct, () => random() % chunkBytesMax),
      problem,
    );
    assert.deepEqual(direct.frames, whole.frames);
  },
};

/** Challenge of both ends; a fuzzer without the keys cannot make a record. */
const CHALLENGE = { channel: 'data', callerNonce: Buffer.alloc(32, 1), listenerNonce: Buffer.alloc(32, 2) };

export const wireRecords: FuzzTarget = {
  name: 'wire-records',
  dictionary: [Buffer.alloc(4, 0xff), Buffer.from([0, 0, 4, 0]), Buffer.from([0x24, 0, 0, 0])],
  generate: (random) => {
    const { sealer } = protectionOf(SECRET.key, CHALLENGE, 'listener');
    const frames = randomFrameList(random);
    const records: Buffer[] = [];
    for (let at = 0; at < frames.length;) {
      const end = at + 1 + (random() % 3);
      records.push(sealer.record(Buffer.concat(frames.slice(at, end))));
      at = end;
    }
    return Buffer.concat(records);
  },
  run: (input, random) => {
    const verifier = () => protectionOf(SECRET.key, CHALLENGE, 'caller').verifier;
    const whole = new SlotSink(0, wholeSlots);
    const limit = recordLimit(whole);
    const records = new RecordReader(verifier(), limit);
    records.push(input);
    const frames = new FrameReader(whole);
    for (let content = records.next(); content !== undefined; content = records.next()) {
      frames.feed(Buffer.from(content));
      if (frames.problem !== undefined || !frames.isBetweenFrames) break;
    }
    const chunked = new SlotSink(random() % 4, chunkedSlots);
    readFed(chunksOf(input, random), chunked, new SealedFrameReader(chunked, verifier(), limit));
    assert.deepEqual(chunked.frames, whole.frames);
    const direct = new SlotSink(random() % 4, directSlots);
    const chunkBytesMax = 1 + (random() % 70_000);
    const reader = new SealedFrameReader(direct, verifier(), limit);
    readDirectly(input, direct, () => random() % chunkBytesMax, reader);
    assert.deepEqual(direct.frames, whole.frames);
  },
};

export const wireHandshake: FuzzTarget = {
  name: 'wire-handshake',
  dictionary: ['MIRRWIRE', '"epoch":', '1e308', Buffer.from([0xff, 0xff, 0xff, 0xff]), Buffer.from([2, 0])],
  generate: (random) =>
    [handshakeOf, welcomeOf, () => encodeRefusal('REFUSED', 'no')][random() % 3]?.(random) ?? Buffer.alloc(0),
  run: (input, random) => {
    for (const side of [
      new ListenerHandshake(SECRET, () => PLAIN_TRANSPORT),
      new CallerHandshake(SECRET, HELLO, PLAIN_TRANSPORT),
    ]) {
      for (const chunk of chunksOf(input, random)) {
        const step = side.push(chunk);
        // Random bytes are never a valid proof.
        assert.notEqual(step.kind, 'proved');
        assert.notEqual(step.kind, 'welcomed');
        if (step.kind === 'failed') break;
      }
    }
    // A listener with the secret may still send any bytes as its answer, in a record.
    if (input.length === 0 || input.length > ANSWER_BYTES_MAX) return;
    const [caller, protection] = provedCaller();
    const step = caller.push(protection.sealer.record(input));
    const answer = new HandshakeReader().push(input, [HandshakeKind.WELCOME, HandshakeKind.REFUSED]);
    assert.equal(step.kind, expectedStep(answer));
    // Without a record they are no welcome.
    assert.notEqual(provedCaller()[0].push(input).kind, 'welcomed');
    const hello = new HandshakeReader().push(input, [HandshakeKind.HELLO]);
    if (hello !== undefined && 'body' in hello) decodeHello(hello.body);
  },
};

/** The correct step of a caller that waits for WELCOME and receives this answer. */
function expectedStep(answer: ReturnType<HandshakeReader['push']>): CallerStep['kind'] {
  if (answer === undefined || 'problem' in answer || answer.kind !== HandshakeKind.WELCOME) return 'failed';
  const welcome = decodeWelcome(answer.body);
  // The caller demands integrity.
  return typeof welcome === 'string' || welcome.integrity === 'off' ? 'failed' : 'welcomed';
}

/** A caller that has sent its proof, and the protection of its listener. */
function provedCaller(): [CallerHandshake, RecordProtection] {
  const caller = new CallerHandshake(SECRET, HELLO, PLAIN_TRANSPORT);
  const listener = new ListenerHandshake(SECRET, () => PLAIN_TRANSPORT);
  const challenge = listener.push(caller.hello());
  assert(challenge.kind === 'more' && challenge.send !== undefined);
  const proof = caller.push(challenge.send);
  assert(proof.kind === 'more' && proof.send !== undefined);
  const proved = listener.push(proof.send);
  assert(proved.kind === 'proved' && proved.protection !== undefined);
  return [caller, proved.protection];
}

function handshakeOf(): Buffer {
  return new CallerHandshake(SECRET, HELLO, PLAIN_TRANSPORT).hello();
}

function welcomeOf(random: RandomBits): Buffer {
  return random() % 2 === 0
    ? encodeWelcome(WELCOME)
    : encodeHandshake(HandshakeKind.CHALLENGE, Buffer.alloc(64, random()));
}

export const wireBlocks: FuzzTarget = {
  name: 'wire-blocks',
  dictionary: [
    Buffer.from([0, 0, 0, 0]),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from([24, 0, 0, 0]),
    Buffer.alloc(4, 0xff),
  ],
  generate: (random) => {
    const blocks = Array.from({ length: 24 }, (_, block) => block).filter(() => random() % 3 === 0);
    const base = random() % 2 === 0 ? undefined : Buffer.alloc(MEMORY_BYTES, 1);
    const encoded = encodeBlocks(
      Buffer.alloc(MEMORY_BYTES, random()),
      MEMORY_BYTES,
      blocks.length === 0 ? [0] : blocks,
      base,
    );
    return Buffer.concat([Buffer.from([encoded.ranges, encoded.bits]), encoded.payload]);
  },
  run: (input, random) => {
    if (input.length < 2 || input.length > BLOCKS_PAYLOAD_BYTES) return;
    BEFORE.copy(memory);
    const size = random() % 2 === 0 ? MEMORY_BYTES : random() % (MEMORY_BYTES + 5);
    const changed = applyBlocks(input.subarray(2), input[0] ?? 0, input[1] ?? 0, size, memory);
    // Bytes outside the returned ranges are unchanged; after a refusal, all bytes.
    let previousEnd = 0;
    for (const [start, end] of typeof changed === 'string' ? [] : changed) {
      assert(start >= previousEnd && start < end && end <= size);
      assert(isUnchanged(previousEnd, start));
      previousEnd = end;
    }
    assert(isUnchanged(previousEnd, MEMORY_BYTES));
  },
};

function isUnchanged(start: number, end: number): boolean {
  return memory.compare(BEFORE, start, end, start, end) === 0;
}
