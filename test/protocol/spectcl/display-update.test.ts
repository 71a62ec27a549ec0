/** The order in which a display memory is updated under its readers. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { changedRanges } from '../../../protocol/flow/flow-file/image.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../../../protocol/spectcl/display-memory.js';
import { clearBinding, writeBinding } from '../../../protocol/spectcl/display-writer.js';
import { updateDisplay } from '../../../protocol/spectcl/display-update.js';

const CHANNEL_BYTES = 64 * 1024;
const CHANNELS = 100;

/** A memory with a spectrum per slot, named by slot and version; its channels hold the version. */
function memoryOf(slots: readonly { readonly slot: number; readonly version: number }[]): Buffer {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
  for (const { slot, version } of slots) {
    const channelOffset = slot * CHANNELS;
    writeBinding(memory, slot, {
      name: `s${slot}.v${version}`,
      type: 4,
      xchans: CHANNELS,
      ychans: 1,
      channelOffset,
      xmin: 0,
      xmax: version,
      xlabel: `v${version}`,
    });
  }
  return memory;
}

const layout = fc.uniqueArray(
  fc.record({ slot: fc.integer({ min: 0, max: 40 }), version: fc.integer({ min: 1, max: 3 }) }),
  { selector: ({ slot }) => slot, maxLength: 12 },
);

describe('the update of a display memory', () => {
  it('updating a display memory makes it equal to the next one', () => {
    fc.assert(
      fc.property(layout, layout, (before, after) => {
        const memory = memoryOf(before);
        const next = memoryOf(after);
        updateDisplay(memory, next, changedRanges(memory, next, 0, next.byteLength));
        expect(memory.equals(next)).to.equal(true);
      }),
      { numRuns: 30 },
    );
  });

  it('a reader during an update sees title, axis and label of one version only', () => {
    fc.assert(
      fc.property(layout, layout, (before, after) => {
        const memory = memoryOf(before);
        const next = memoryOf(after);
        const ranges = changedRanges(memory, next, 0, next.byteLength);
        const copy = next.copy.bind(next);
        let looks = 0;
        next.copy = ((...to: Parameters<typeof copy>) => {
          const copied = copy(...to);
          looks += 1;
          for (const { slot, name, xmax, xlabel } of bindings(memory)) {
            expect([name, xlabel]).to.deep.equal([`s${slot}.v${xmax}`, `v${xmax}`]);
          }
          return copied;
        }) as typeof next.copy;
        updateDisplay(memory, next, ranges);
        expect(looks > 0 || ranges.length === 0).to.equal(true);
      }),
      { numRuns: 30 },
    );
  });

  it('an update keeps a freed slot free', () => {
    const memory = memoryOf([{ slot: 3, version: 1 }]);
    const next = Buffer.from(memory);
    clearBinding(next, 3);
    updateDisplay(memory, next, changedRanges(memory, next, 0, next.byteLength));
    expect(bindings(memory)).to.deep.equal([]);
  });
});
