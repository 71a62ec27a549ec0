/** Comparing an update with the image while the update arrives in pieces. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { IncrementalComparison } from '../../../duplicator/mirror/incremental-comparison.js';
import { IMAGE_BLOCK_BYTES, changedRanges } from '../../../protocol/flow/flow-file/image.js';

const BYTES = 40 * IMAGE_BLOCK_BYTES + 100;

/** Increments one byte in each of the blocks. */
function touch(memory: Buffer, blocks: readonly number[]): void {
  for (const block of blocks) {
    const at = Math.min(block * IMAGE_BLOCK_BYTES + (block % 97), BYTES - 1);
    memory[at] = (memory[at] ?? 0) + 1;
  }
}

const blocks = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 });

describe('the comparison of an arriving update', () => {
  it('an update that arrives in any pieces is compared like a whole one', () => {
    fc.assert(
      fc.property(
        blocks,
        fc.array(fc.integer({ min: 1, max: 100_000 })),
        fc.integer({ min: 0, max: 9000 }),
        (changed, pieces, from) => {
          const image = Buffer.alloc(BYTES, 7);
          const memory = Buffer.from(image);
          touch(memory, changed);
          const scan = new IncrementalComparison(image, memory, from);
          let end = from;
          for (const piece of pieces) scan.arrived((end = Math.min(end + piece, BYTES)));
          expect(scan.finish(BYTES)).to.deep.equal(changedRanges(image, memory, from, BYTES));
        },
      ),
    );
  });

  it('an update is compared with the image that another publication changed while it arrived', () => {
    fc.assert(
      fc.property(blocks, blocks, fc.integer({ min: 0, max: BYTES }), (changed, published, midway) => {
        const image = Buffer.alloc(BYTES, 7);
        const memory = Buffer.from(image);
        touch(memory, changed);
        const other = Buffer.from(image);
        touch(other, published);
        const scan = new IncrementalComparison(image, memory, 0);
        scan.arrived(midway);
        const applied = changedRanges(image, other, 0, BYTES);
        scan.imageChanged(applied);
        for (const [start, stop] of applied) other.copy(image, start, start, stop);
        scan.arrived(BYTES);
        const bytes = scan.finish(BYTES).reduce((sum, [start, stop]) => sum + stop - start, 0);
        const expected = changedRanges(image, memory, 0, BYTES).reduce(
          (sum, [start, stop]) => sum + stop - start,
          0,
        );
        expect(bytes).to.equal(expected);
      }),
    );
  });
});
