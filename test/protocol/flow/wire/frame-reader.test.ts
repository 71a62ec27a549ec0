/** Decoding frames between hosts from bytes in any pieces. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { randomBits } from '../../../../simulator/random.js';
import { crc32 } from 'node:zlib';
import {
  FRAME_BYTES,
  FrameBits,
  FrameKind,
  controlFrame,
  decodeHeader,
  emptyHeader,
  encodeHeader,
} from '../../../../protocol/flow/wire/frame.js';
import { FrameReader } from '../../../../protocol/flow/wire/frame-reader.js';
import { CAPACITY, SlotSink, readDirectly, readFed, sentFrames } from './frames.js';

describe('the frames between duplicators', () => {
  it('a frame has the documented 32 bytes, little-endian, and a payload', () => {
    const bytes = Buffer.alloc(FRAME_BYTES);
    encodeHeader(bytes, 0, {
      length: 0x01020304,
      kind: 1,
      bits: 1,
      sequence: 2 ** 40 + 5,
      value: 2 ** 60,
      detail: 7,
      crc: 0xdeadbeef,
    });
    expect(bytes.toString('hex')).to.equal(
      ['04030201', '0100', '0100', '0500000000010000', '0000000000000010', '07000000', 'efbeadde'].join(''),
    );
    const header = emptyHeader();
    expect(decodeHeader(bytes, 0, header)).to.equal(undefined);
    expect(header).to.deep.equal({
      length: 0x01020304,
      kind: 1,
      bits: 1,
      sequence: 2 ** 40 + 5,
      value: 2 ** 60,
      detail: 7,
      crc: 0xdeadbeef,
    });
  });

  it('a new header is that of an empty frame', () => {
    expect(emptyHeader()).to.deep.equal({
      length: 0,
      kind: FrameKind.ALIVE,
      bits: 0,
      sequence: 0,
      value: 0,
      detail: 0,
      crc: 0,
    });
  });

  it('the frame reader delivers the frames that were sent for any cuts, ways of reading and waits', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 0, max: 3 }),
        (seed, most, refuse) => {
          const sent = sentFrames(randomBits(seed));
          const expected = sent.map(({ header, payload }) => ({ header, payload }));
          const bytes = Buffer.concat(sent.map((frame) => frame.bytes));
          const whole = new SlotSink(refuse);
          expect(readFed([bytes], whole)).to.equal(undefined);
          expect(whole.frames).to.deep.equal(expected);
          const random = randomBits(seed + 1);
          const direct = new SlotSink(refuse);
          expect(readDirectly(bytes, direct, () => random() % most)).to.equal(undefined);
          expect(direct.frames).to.deep.equal(expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  for (const [what, change, said] of [
    ['an unknown kind', (frame: Buffer) => frame.writeUInt16LE(9, 4), 'kind 9'],
    ['unknown bits', (frame: Buffer) => frame.writeUInt16LE(0x80, 6), 'bits 128'],
    ['a sequence above 2^53 - 1', (frame: Buffer) => frame.writeUInt32LE(0x00ff_ffff, 12), '2^53'],
    [
      'more bytes than are allowed',
      (frame: Buffer) => frame.writeUInt32LE(CAPACITY + 1, 0),
      'claims 40001 bytes',
    ],
  ] as const) {
    it(`the frame reader stops for good, with the reason, at ${what}`, () => {
      const frame = controlFrame(FrameKind.BUFFER);
      change(frame);
      const sink = new SlotSink();
      expect(readFed([frame, controlFrame(FrameKind.ALIVE)], sink)).to.contain(said);
      expect(readDirectly(frame, new SlotSink(), () => 5)).to.contain(said);
      expect(sink.frames).to.deep.equal([]);
    });
  }

  it('the frame reader verifies checksums of frames that have one', () => {
    const payload = Buffer.from('counts');
    const frame = Buffer.concat([controlFrame(FrameKind.BUFFER), payload]);
    encodeHeader(frame, 0, {
      ...emptyHeader(),
      kind: FrameKind.BUFFER,
      length: 6,
      bits: FrameBits.CRC,
      crc: crc32(payload),
    });
    expect(readFed([frame], new SlotSink())).to.equal(undefined);
    frame[FRAME_BYTES] = 0;
    expect(readFed([frame], new SlotSink())).to.contain('checksum');
  });

  it('the frame reader reports after each read whether more may be read: not while it is blocked', () => {
    const frame = (sequence: number): Buffer => {
      const bytes = Buffer.alloc(FRAME_BYTES + 3, sequence);
      encodeHeader(bytes, 0, { ...emptyHeader(), kind: FrameKind.BUFFER, length: 3, sequence });
      return bytes;
    };
    const fed = new FrameReader(new SlotSink(2));
    expect(fed.feed(frame(1))).to.equal(true);
    expect([fed.feed(frame(2)), fed.blocked]).to.deep.equal([false, true]);
    expect([fed.feed(frame(3)), fed.blocked]).to.deep.equal([false, true]);
    expect([fed.resume(), fed.blocked]).to.deep.equal([true, false]);
    expect(fed.feed(frame(5))).to.equal(true);
    expect(fed.feed(Buffer.concat([frame(6), frame(8)]))).to.equal(false);
    expect([fed.resume(), fed.blocked]).to.deep.equal([false, true]);
    expect([fed.resume(), fed.blocked]).to.deep.equal([true, false]);

    const sink = new SlotSink(2);
    const reader = new FrameReader(sink);
    const receive = (bytes: Buffer): boolean => {
      bytes.copy(reader.nextBuffer());
      return reader.received(bytes.length);
    };
    expect(receive(frame(1))).to.equal(true);
    expect(receive(Buffer.concat([frame(2), frame(3)]))).to.equal(false);
    expect([sink.frames.length, reader.resume(), sink.frames.length]).to.deep.equal([1, true, 3]);
    const broken = frame(5);
    broken.writeUInt16LE(9, 4);
    expect(receive(broken)).to.equal(false);
    expect([reader.received(1), reader.resume(), reader.feed(frame(7))]).to.deep.equal([false, false, false]);
    expect(sink.frames.length).to.equal(3);
  });

  it('the slot of the next large buffer is left to its readers while no more bytes are expected', () => {
    let reserved = 0;
    class Counting extends SlotSink {
      override reserveNext(): Buffer {
        reserved += 1;
        return super.reserveNext();
      }
    }
    const sink = new Counting();
    const reader = new FrameReader(sink);
    const frame = Buffer.alloc(FRAME_BYTES + 20_000);
    encodeHeader(frame, 0, { ...emptyHeader(), kind: FrameKind.BUFFER, length: 20_000 });
    reader.feed(frame);
    expect(sink.large).to.equal(true);
    const header = frame.subarray(0, FRAME_BYTES);
    encodeHeader(header, 0, { ...emptyHeader(), kind: FrameKind.STATE });
    /** Reads a frame without payload; the read is full or not. */
    const read = (full: boolean): void => {
      const into = reader.nextBuffer();
      header.copy(into);
      if (full) expect(into.length).to.equal(FRAME_BYTES);
      reader.received(FRAME_BYTES);
    };
    read(true);
    const before = reserved;
    const ahead = reader.nextBuffer();
    expect([reserved, ahead.length]).to.deep.equal([before + 1, FRAME_BYTES + 20_000]);
    header.copy(ahead);
    reader.received(FRAME_BYTES); // there was room for more
    expect(reader.nextBuffer().length).to.equal(FRAME_BYTES);
    expect(reserved).to.equal(before + 1);
  });
});
