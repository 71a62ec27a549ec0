/**
 * The recovery of flow files whose owner died, or that somebody damaged: a verdict for whatever the
 * words hold, for a successor's first look the same one; what is repaired is sound afterwards, and
 * stays so.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkFile } from '../../../duplicator/recovery/checks.js';
import { imageBeside } from '../../../duplicator/recovery/image-check.js';
import { repair, verify } from '../../../duplicator/recovery/examine.js';
import { inspectDeadFile } from '../../../duplicator/recovery/dead-file.js';
import { inWords, parseReport } from '../../../protocol/host/recovery/report.js';
import type { RandomBits } from '../../../simulator/random.js';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';
import { FLOW_FLAGS, HEADER_BYTES, missingWord } from '../../../protocol/flow/flow-file/layout.js';
import { RingWriter } from '../../../protocol/flow/flow-file/ring-writer.js';
import { damageHeader, headerOffset, slotFieldOffset } from '../../protocol/flow/flow-file/damage.js';
import type { FuzzTarget } from '../fuzzer.js';

const SLOTS = 4;
const PAYLOAD_BYTES = 64;
/** Files and maps are what costs: most inputs are judged as memory. */
const FILE_ONE_IN = 256;
/** No process has this id. */
const DEAD_PID = 2 ** 22 + 1;
/** Words of the header that a damage may reach without the file being another one. */
const RING_WORDS = (
  ['epoch', 'published', 'granted', 'sourceState', 'imageGeneration', 'imageApplied'] as const
).map(headerOffset);

interface Bench {
  readonly directory: string;
  readonly path: string;
  /** A sound file of a dead owner, as bytes. */
  readonly sound: Buffer;
  /** The same as a flow file in this process's own memory. */
  readonly memory: FlowFile;
}

let bench: Bench | undefined;
let inputs = 0;

function theBench(): Bench {
  if (bench !== undefined) return bench;
  const directory = mkdtempSync('/dev/shm/mirrorflow-test-');
  const path = join(directory, 'f.flow');
  const identity = { application: 'a', flow: 'f', type: 'bytes', properties: {} };
  const shape = { slotCount: SLOTS, payloadCapacity: PAYLOAD_BYTES, flags: 0, epoch: 7, mode: 0o600 };
  const made = createFlowFile({ path, identity, ...shape });
  const writer = new RingWriter(made);
  for (let count = 0; count < SLOTS + 2; count += 1) {
    writer.begin().fill(count);
    writer.commit(PAYLOAD_BYTES - count, 0);
  }
  writer.publish();
  made.granted = made.published + 2;
  damageHeader(made, 'ownerPid', DEAD_PID);
  const sound = Buffer.from(made.bytes);
  const owner = { ...made.owner, pid: DEAD_PID };
  writeFileSync(imageBeside(path), Buffer.alloc(PAYLOAD_BYTES));
  const memory = new FlowFile(path, Buffer.from(sound), made.geometry, identity, owner, 0);
  bench = { directory, path, sound, memory };
  return bench;
}

function close(): void {
  if (bench !== undefined) rmSync(bench.directory, { recursive: true });
  bench = undefined;
}

/**
 * The input, made of words of 8 bytes: which word of header or ring each is laid over, then the
 * word.
 */
function damage(bytes: Buffer, input: Buffer): void {
  const places = RING_WORDS.length + (bytes.length - HEADER_BYTES) / 8;
  for (let at = 0; at + 10 <= input.length; at += 10) {
    const place = input.readUInt16LE(at) % places;
    const offset = RING_WORDS[place] ?? HEADER_BYTES + (place - RING_WORDS.length) * 8;
    input.copy(bytes, offset, at + 2, at + 10);
  }
}

/**
 * Damages that come near to what a writer leaves that dies: sequences, sizes and counts a little
 * off.
 */
function damages(random: RandomBits): Buffer {
  const { memory } = theBench();
  const words = Array.from({ length: 1 + (random() % 4) }, () => {
    const word = Buffer.alloc(10);
    const stride = memory.geometry.slotStride / 8;
    const slot =
      RING_WORDS.length + (random() % SLOTS) * stride + (random() % 2) * (slotFieldOffset('size') / 8);
    word.writeUInt16LE(random() % 2 === 0 ? random() % RING_WORDS.length : slot, 0);
    word.writeBigUInt64LE(BigInt(random() % 4 === 0 ? missingWord((random() % 12) - 1) : random() % 12), 2);
    return word;
  });
  return Buffer.concat(words);
}

export const recovery: FuzzTarget = {
  name: 'recovery',
  words: [Buffer.alloc(8, 0xff), Buffer.alloc(8), Buffer.from([6, 0, 0, 0, 0, 0, 0, 0])],
  generate: damages,
  run: (input) => {
    const { sound, memory, path } = theBench();
    inputs += 1;
    const bytes = memory.bytes;
    sound.copy(bytes);
    damage(bytes, input);
    if (inputs % FILE_ONE_IN === 0) {
      // Every other one is a mirror, with its image beside it.
      if (inputs % (2 * FILE_ONE_IN) === 0)
        bytes.writeUInt32LE(FLOW_FLAGS.mirror | FLOW_FLAGS.remote, headerOffset('flags'));
      writeFileSync(path, bytes);
      const found = verify(path).verdict;
      assert.equal(inspectDeadFile(path) !== undefined, found === 'sound');
      const { verdict } = repair(path);
      assert.equal(verdict, found === 'repairable' ? 'repaired' : found);
      assert(verdict === 'replace' || verify(path).verdict === 'sound');
      return;
    }
    const mirror = input.length % 2 === 0;
    const file = mirror
      ? new FlowFile(path, bytes, memory.geometry, memory.identity, memory.owner, FLOW_FLAGS.mirror)
      : memory;
    const checks = checkFile(file);
    assert(checks.length > 0);
    if (checks.some(({ state }) => state === 'unsound')) return;
    for (const { state, repair: mend } of checks) {
      assert.equal(state === 'repairable', mend !== undefined);
      mend?.();
    }
    const after = checkFile(file);
    // Credit is judged by what is published now, so a repair may show that it cannot have been.
    for (const { check, state, text } of after)
      assert(state === 'sound' || (check === 'credit' && state === 'unsound'), text);
  },
  close,
};

export const recoveryReports: FuzzTarget = {
  name: 'recovery-reports',
  words: [
    '"verdict":',
    '"sound"',
    '"findings":',
    '[',
    ']',
    '{',
    '}',
    'null',
    '"flow":',
    '"epoch":',
    '"owner":',
    '1e999',
  ],
  generate: (random) => {
    const verdicts = ['sound', 'repaired', 'replace', 'owned', 'missing', 'toString'];
    const flow = { application: 'a', flow: 'f', type: 'bytes', epoch: random(), published: 1 };
    return Buffer.from(
      JSON.stringify({
        file: '/f',
        verdict: verdicts[random() % verdicts.length],
        ...(random() % 2 === 0 ? { flow } : {}),
        ...(random() % 2 === 0 ? { owner: { pid: 1, alive: false } } : {}),
        findings: Array.from({ length: random() % 3 }, () => ({ check: 'state', state: 'sound', text: 't' })),
      }),
    );
  },
  run: (input) => {
    const report = parseReport(input.toString());
    if (report !== undefined) assert(inWords(report).length > 0);
  },
};
