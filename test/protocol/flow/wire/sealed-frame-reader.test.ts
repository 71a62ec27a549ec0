/**
 * Frames in records with a MAC: the same frames arrive, and nothing of a record that was changed.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  FRAME_BYTES,
  FrameKind,
  controlFrame,
  emptyHeader,
  encodeHeader,
} from '../../../../protocol/flow/wire/frame.js';
import {
  BATCH_RECORD_BYTES,
  SealedFrameReader,
  recordLimit,
} from '../../../../protocol/flow/wire/sealed-frame-reader.js';
import { MAC_BYTES, RECORD_HEAD_BYTES, protectionOf } from '../../../../protocol/rpc/security/records.js';
import { randomBits } from '../../../../simulator/random.js';
import { CAPACITY, SlotSink, newSlots, randomFrameList, readDirectly, readFed } from './frames.js';

const SECRET = Buffer.from('sixteen bytes or more');
const CHALLENGE = { channel: 'data', callerNonce: Buffer.alloc(32, 1), listenerNonce: Buffer.alloc(32, 2) };

/** The sender's end of a link. */
const sealer = () => protectionOf(SECRET, CHALLENGE, 'listener').sealer;

function readerOf(sink: SlotSink): SealedFrameReader {
  return new SealedFrameReader(sink, protectionOf(SECRET, CHALLENGE, 'caller').verifier, recordLimit(sink));
}

function buffer(sequence: number, length: number, byte = sequence + 1): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES + length, byte);
  encodeHeader(frame, 0, { ...emptyHeader(), kind: FrameKind.BUFFER, length, sequence });
  return frame;
}

describe('frames in records with a MAC', () => {
  it('the same frames arrive for any batches, cuts, ways of reading and waits', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 0, max: 3 }),
        (seed, most, refuse) => {
          const random = randomBits(seed);
          const frames = randomFrameList(random);
          const whole = new SlotSink();
          expect(readFed([Buffer.concat(frames)], whole)).to.equal(undefined);
          const seal = sealer();
          const records: Buffer[] = [];
          for (let at = 0; at < frames.length;) {
            const count = 1 + (random() % 3);
            records.push(seal.record(Buffer.concat(frames.slice(at, at + count))));
            at += count;
          }
          const bytes = Buffer.concat(records);
          const direct = new SlotSink(refuse);
          expect(readDirectly(bytes, direct, () => random() % most, readerOf(direct))).to.equal(undefined);
          expect(direct.frames).to.deep.equal(whole.frames);
          const fed = new SlotSink(refuse);
          const pieces: Buffer[] = [];
          for (let at = 0; at < bytes.length;) {
            const next = at + 1 + (random() % most);
            pieces.push(bytes.subarray(at, next));
            at = next;
          }
          expect(readFed(pieces, fed, readerOf(fed))).to.equal(undefined);
          expect(fed.frames).to.deep.equal(whole.frames);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('any changed byte ends the link, and no frame of its record reaches the flow', () => {
    const sent = [buffer(0, 30_000), controlFrame(FrameKind.STATE), buffer(1, 30_000), buffer(7, 30_000)];
    const seal = sealer();
    const records = sent.map((frame) => seal.record(frame));
    const bytes = Buffer.concat(records);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: bytes.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.integer({ min: 1, max: 70_000 }),
        (at, flip, most) => {
          const changed = Buffer.from(bytes);
          changed[at] = (changed[at] ?? 0) ^ flip;
          let record = 0;
          for (let end = 0; end <= at; record += 1) end += records[record]?.length ?? Infinity;
          const sink = new SlotSink();
          readDirectly(changed, sink, () => most, readerOf(sink));
          expect(sink.frames.map(({ header }) => header.sequence)).to.deep.equal(
            [0, 0, 1, 7].slice(0, record - 1),
          );
          expect(sink.next, 'nothing was skipped').to.equal([0, 1, 1, 2][record - 1]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('a changed length of a record ends the link at once when it is out of bounds', () => {
    const sink = new SlotSink();
    const bytes = Buffer.alloc(RECORD_HEAD_BYTES);
    bytes.writeUInt32LE(recordLimit(sink) + 1);
    expect(readDirectly(bytes, sink, () => 4, readerOf(sink))).to.contain('are allowed');
  });

  it('the payload of the next buffer is received in its slot, and that of any other in memory', () => {
    const slots = newSlots(9);
    const sink = new SlotSink(0, slots);
    const seal = sealer();
    const bytes = [buffer(0, CAPACITY), buffer(6, CAPACITY)].map((frame) => seal.record(frame));
    const reader = readerOf(sink);
    /** Reads all of a record but its MAC. */
    const readContent = (record: Buffer): void => {
      const end = record.length - MAC_BYTES;
      for (let at = 0; at < end;) {
        const into = reader.nextBuffer();
        const received = record.copy(into, 0, at, Math.min(end, at + into.length, at + 16_384));
        reader.received(received);
        at += received;
      }
    };
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = bytes;
    readContent(first);
    expect(slots[0]?.readUInt8(FRAME_BYTES + CAPACITY - 1), 'in its slot').to.equal(1);
    expect(sink.frames).to.deep.equal([]);
    reader.feed(first.subarray(-MAC_BYTES));
    expect(sink.frames).to.have.length(1);
    readContent(second);
    expect(slots[2]?.readUInt8(FRAME_BYTES + CAPACITY - 1), 'not in the slot').to.equal(9);
    reader.feed(second.subarray(-MAC_BYTES));
    expect(slots[2]?.readUInt8(FRAME_BYTES + CAPACITY - 1)).to.equal(7);
    expect(sink.frames).to.have.length(2);
  });

  it('a record that ends within a frame ends the link', () => {
    const sink = new SlotSink();
    const record = sealer().record(buffer(0, 100).subarray(0, 80));
    expect(readFed([record], sink, readerOf(sink))).to.equal('a record ends within a frame');
  });

  it('a record that ends within a frame ends the link, also when a frame before that had to wait', () => {
    const sink = new SlotSink(2);
    const content = Buffer.concat([buffer(0, 100), buffer(1, 100), buffer(2, 100).subarray(0, 80)]);
    const record = sealer().record(content);
    expect(readFed([record], sink, readerOf(sink))).to.equal('a record ends within a frame');
  });

  it('a record of several frames has up to 256 KiB, as documented', () => {
    expect(BATCH_RECORD_BYTES).to.equal(262_144);
  });
});
