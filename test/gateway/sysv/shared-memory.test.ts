/** What a viewer sees of System V shared memory while it is updated. Pure: memory of the test. */
import { expect } from 'chai';
import fc from 'fast-check';
import { updateSegment } from '../../../gateway/sysv/shared-memory.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../../../protocol/spectcl/display-memory.js';
import { TYPES_RANGE, clearBinding, writeBinding } from '../../../protocol/spectcl/display-writer.js';

const CHANNEL_BYTES = 64 * 1024;
const SLOTS = 6;

interface Spectrum {
  readonly slot: number;
  readonly name: string;
  readonly xchans: number;
  readonly channelOffset: number;
}

const spectrum = fc.record({
  slot: fc.integer({ min: 0, max: SLOTS - 1 }),
  name: fc.constantFrom('a', 'b', 'long.name', 'ü'),
  xchans: fc.integer({ min: 1, max: 100 }),
  channelOffset: fc.integer({ min: 0, max: 1_000 }),
});
const state = fc.record({
  spectra: fc.array(spectrum, { maxLength: SLOTS }),
  fill: fc.integer({ min: 0, max: 255 }),
  used: fc.integer({ min: 1, max: CHANNEL_BYTES }),
});

/**
 * A publication with these spectra, based on `before`: freed slots keep the fields of their former
 * spectrum, as in SpecTcl.
 */
function publication(before: Buffer, spectra: readonly Spectrum[], fill: number, used: number): Buffer {
  const memory = Buffer.alloc(DISPLAY_HEADER_BYTES + used, fill);
  before.copy(memory, 0, 0, DISPLAY_HEADER_BYTES);
  for (let slot = 0; slot < SLOTS; slot += 1) clearBinding(memory, slot);
  for (const { slot, name, xchans, channelOffset } of spectra) {
    writeBinding(memory, slot, { name, type: 4, xchans, ychans: 0, channelOffset, xmin: 0, xmax: xchans });
  }
  return memory;
}

/** The slots that a reader sees, each as one text. */
function slotsIn(memory: Buffer): string[] {
  return bindings(memory).map(
    ({ slot, name, xchans, byteOffset, xmax }) => `${slot} ${name} ${xchans} ${byteOffset} ${xmax}`,
  );
}

/** Calls `read` before each copy out of `next`, as a reader at that moment. */
function observed(next: Buffer, read: () => void): Buffer {
  return Object.assign(next, {
    copy(...args: Parameters<Buffer['copy']>): number {
      read();
      return Buffer.prototype.copy.apply(next, args);
    },
  });
}

describe('shared memory read during an update', () => {
  it('the segment equals the publication, also after a larger one', () => {
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 4 }), (states) => {
        const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
        let size = 0;
        for (const { spectra, fill, used } of states) {
          const next = publication(image, spectra, fill, used);
          updateSegment(image, next, size);
          size = next.byteLength;
          expect(Buffer.compare(image.subarray(0, size), next)).to.equal(0);
          expect(image.subarray(size).every((byte) => byte === 0)).to.equal(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('a reader never sees a slot that is in neither publication', () => {
    fc.assert(
      fc.property(state, state, (one, two) => {
        const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
        const before = publication(image, one.spectra, one.fill, one.used);
        updateSegment(image, before, 0);
        const next = publication(image, two.spectra, two.fill, two.used);
        const allowed = new Set([...slotsIn(before), ...slotsIn(next)]);
        const read = (): void => {
          for (const slot of slotsIn(image)) expect(allowed.has(slot), slot).to.equal(true);
        };
        updateSegment(image, observed(next, read), before.byteLength);
        read();
      }),
      { numRuns: 15 },
    );
  });

  it('a spectrum that moved appears only after its channels are written', () => {
    const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
    const one = { slot: 0, name: 'a', xchans: 4, channelOffset: 0 };
    const before = publication(image, [one], 1, 4_096);
    updateSegment(image, before, 0);
    const next = publication(image, [{ ...one, channelOffset: 512 }], 2, 4_096);
    let hidden = 0;
    updateSegment(
      image,
      observed(next, () => {
        const types = image.readInt32LE(TYPES_RANGE[0]);
        hidden += types === 0 ? 1 : 0;
      }),
      before.byteLength,
    );
    expect(hidden).to.be.greaterThan(0);
    expect(slotsIn(image)).to.deep.equal(slotsIn(next));
  });
});
