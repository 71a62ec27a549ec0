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
import { CAPACITY, SlotSink, randomFrames, readDirectly, readFed } from './frames.js';

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

  it('the frame reader delivers the same frames for any cuts, ways of reading and waits', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 0, max: 3 }),
        (seed, most, refuse) => {
          const bytes = randomFrames(randomBits(seed));
          const whole = new SlotSink();
          expect(readFed([bytes], whole)).to.equal(undefined);
          const random = randomBits(seed + 1);
          const direct = new SlotSink(refuse);
          expect(readDirectly(bytes, direct, () => random() % most)).to.equal(undefined);
          expect(direct.frames).to.deep.equal(whole.frames);
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
});
