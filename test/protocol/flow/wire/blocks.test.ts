/** The wire codec of mirrors, for any memories and changes. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FrameBits } from '../../../../protocol/flow/wire/frame.js';
import {
  BLOCKS_PAYLOAD_BYTES,
  BLOCKS_PER_FRAME,
  applyBlocks,
  blocksOf,
  encodeBlocks,
} from '../../../../protocol/flow/wire/blocks.js';

const BLOCK = 4096;

describe('the wire codec of mirrors', () => {
  it('applying encoded blocks makes the receiver’s memory equal in these blocks and changes no other', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 * BLOCK }),
        fc.uniqueArray(fc.integer({ min: 0, max: 19 }), { minLength: 1 }),
        fc.boolean(),
        fc.uint8Array({ minLength: 16, maxLength: 64 }),
        (size, wanted, known, noise) => {
          const blocks = wanted.filter((block) => block * BLOCK < size).toSorted((a, b) => a - b);
          if (blocks.length === 0) return;
          const old = Buffer.alloc(20 * BLOCK, 3);
          const memory = Buffer.alloc(20 * BLOCK, Buffer.from(noise));
          const { payload, ranges, bits } = encodeBlocks(memory, size, blocks, known ? old : undefined);
          const received = Buffer.from(old);
          expect(applyBlocks(payload, ranges, bits, size, received)).to.be.an('array');
          for (let block = 0; block < 20; block += 1) {
            const end = Math.min((block + 1) * BLOCK, blocks.includes(block) ? size : Infinity);
            const from = blocks.includes(block) ? memory : old;
            expect(received.subarray(block * BLOCK, end).equals(from.subarray(block * BLOCK, end))).to.equal(
              true,
            );
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('a few counting channels are encoded in a few bytes', () => {
    const old = Buffer.alloc(BLOCK);
    for (let channel = 0; channel < 1024; channel += 1)
      old.writeUInt32LE((channel * 2654435761) % 5000, channel * 4);
    const memory = Buffer.from(old);
    for (const channel of [3, 500, 900]) memory.writeUInt32LE(old.readUInt32LE(channel * 4) + 1, channel * 4);
    const { payload, bits } = encodeBlocks(memory, BLOCK, [0], old);
    expect(bits).to.equal(FrameBits.DIFFERENCE | FrameBits.DEFLATED);
    expect(payload.length).to.be.below(80);
  });

  it('blocks that do not become smaller are sent without deflating', () => {
    const memory = Buffer.alloc(BLOCK);
    let noise = 1;
    for (let at = 0; at < BLOCK; at += 1)
      memory[at] = (noise = (noise * 1103515245 + 12345) % 2147483648) >>> 16;
    expect(encodeBlocks(memory, BLOCK, [0]).bits).to.equal(0);
  });

  const good = encodeBlocks(Buffer.alloc(4 * BLOCK, 1), 4 * BLOCK, [0, 2]);
  const range = (first: number, blocks: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(first, 0);
    bytes.writeUInt32LE(blocks, 4);
    return bytes;
  };
  for (const [what, payload, count, bits, size] of [
    ['no ranges', good.payload, 0, good.bits, 4 * BLOCK],
    ['more ranges than the payload has', good.payload, BLOCKS_PER_FRAME, good.bits, 4 * BLOCK],
    ['a memory larger than the receiver’s', good.payload, 2, good.bits, 5 * BLOCK],
    ['blocks beyond the memory', good.payload, 2, good.bits, 2 * BLOCK],
    ['an empty range', Buffer.concat([range(0, 0)]), 1, 0, 4 * BLOCK],
    ['more blocks than a frame may have', range(0, BLOCKS_PER_FRAME + 1), 1, 0, 4 * BLOCK],
    [
      'descending ranges',
      Buffer.concat([range(2, 1), range(1, 1), Buffer.alloc(2 * BLOCK)]),
      2,
      0,
      4 * BLOCK,
    ],
    ['too few bytes', Buffer.concat([range(0, 1), Buffer.alloc(7)]), 1, 0, 4 * BLOCK],
    [
      'bytes that are not a deflate stream',
      Buffer.concat([range(0, 1), Buffer.alloc(7, 0xff)]),
      1,
      FrameBits.DEFLATED,
      4 * BLOCK,
    ],
    [
      'a deflate bomb',
      encodeBlocks(Buffer.alloc(4 * BLOCK), 4 * BLOCK, [0, 1, 2, 3]).payload.fill(1, 4, 5),
      1,
      FrameBits.DEFLATED,
      4 * BLOCK,
    ],
  ] as const) {
    it(`decoding ${what} changes nothing in the receiver’s memory`, () => {
      const memory = Buffer.alloc(4 * BLOCK, 9);
      expect(applyBlocks(payload, count, bits, size, memory)).to.be.a('string');
      expect(memory.every((byte) => byte === 9)).to.equal(true);
    });
  }

  it('a frame has at most 64 blocks, and its payload is as long as these with a range each', () => {
    expect([BLOCKS_PER_FRAME, BLOCKS_PAYLOAD_BYTES]).to.deep.equal([64, 64 * (4096 + 8)]);
  });

  it('differences are applied in memory and from bytes at any place', () => {
    const old = Buffer.alloc(BLOCK, 3);
    const now = Buffer.alloc(BLOCK, 5);
    const { payload, ranges, bits } = encodeBlocks(now, BLOCK, [0], old);
    for (const [memoryAt, payloadAt] of [
      [0, 0],
      [5, 0],
      [4, 5],
      [5, 4],
      [10, 5],
    ] as const) {
      const memory = Buffer.alloc(BLOCK + 16, 3).subarray(memoryAt, memoryAt + BLOCK);
      const received = Buffer.concat([Buffer.alloc(payloadAt), payload]).subarray(payloadAt);
      expect(applyBlocks(received, ranges, bits, BLOCK, memory)).to.be.an('array');
      expect(memory.equals(now)).to.equal(true);
    }
  });

  it('the number of blocks of a payload is that of all its ranges', () => {
    const memory = Buffer.alloc(20 * BLOCK, 7);
    for (const blocks of [[0], [3, 4, 5], [0, 2, 4, 6], [1, 2, 9, 19]]) {
      const { payload, ranges } = encodeBlocks(memory, memory.length, blocks);
      expect(blocksOf(payload, ranges)).to.equal(blocks.length);
    }
    expect(blocksOf(Buffer.alloc(0), 0)).to.equal(0);
  });
});
