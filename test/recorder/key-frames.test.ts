/** How far a moment of a recorded mirror is from its key frame, whatever changes. */
import { expect } from 'chai';
import { blockBytesOf, encodePublication } from '../../recorder/mirror/publication-codec.js';
import { BLOCK_BYTES_MAX, DELTAS_MAX, KeyFrames } from '../../recorder/record/key-frames.js';

const BLOCK = 4_096;
const MIB = 2 ** 20;

/** Deltas of `blockBytes` each, one every 5 s, that are recorded before a key frame is due. */
function deltasBetween(blockBytes: number, memoryBytes: number): number {
  const frames = new KeyFrames();
  frames.keyRecorded(0);
  for (let deltas = 0; ; deltas += 1) {
    if (frames.isDue(deltas * 5_000, memoryBytes)) return deltas;
    frames.deltaRecorded(blockBytes);
  }
}

describe('key frames of a recorded mirror', () => {
  it('the first publication is a key frame', () => {
    expect(new KeyFrames().isDue(0, MIB)).to.equal(true);
  });

  it('a reader applies a bounded number of bytes, however many blocks change', () => {
    expect(deltasBetween(8 * MIB, 14 * MIB)).to.equal(BLOCK_BYTES_MAX / (8 * MIB));
    expect(deltasBetween(MIB, 14 * MIB)).to.be.below(DELTAS_MAX + 1);
    expect(deltasBetween(BLOCK, 14 * MIB)).to.equal(DELTAS_MAX);
  });

  it('a memory that is larger than the bound has four times its bytes between two key frames', () => {
    expect(deltasBetween(512 * MIB, 512 * MIB)).to.equal(4);
  });

  it('a message names the bytes of its blocks, deflated or not, in one piece or several', () => {
    const memory = Buffer.alloc(200 * BLOCK);
    const next = Buffer.from(memory);
    const changed = [0, 1, 5, 64, 65, 66, 127, 128, 199];
    for (const block of changed) next.writeUInt32LE(7, block * BLOCK + 40);
    expect(blockBytesOf(encodePublication(2, next, { sequence: 1, memory }))).to.equal(
      changed.length * BLOCK,
    );
    expect(blockBytesOf(encodePublication(1, Buffer.alloc(150 * BLOCK, 3)))).to.equal(150 * BLOCK);
    expect(blockBytesOf(encodePublication(1, memory))).to.equal(0);
  });

  it('a dense message of scattered counts is smaller than a fast one, and says the same', () => {
    const memory = Buffer.alloc(64 * BLOCK);
    const next = Buffer.from(memory);
    for (let at = 0; at < next.length; at += 52) next.writeUInt32LE(1 + (at % 7), at - (at % 4));
    const base = { sequence: 1, memory };
    const [fast, dense] = [
      encodePublication(2, next, base, 'fast'),
      encodePublication(2, next, base, 'dense'),
    ];
    expect(dense.length).to.be.below(fast.length);
    expect(blockBytesOf(dense)).to.equal(blockBytesOf(fast));
  });
});
