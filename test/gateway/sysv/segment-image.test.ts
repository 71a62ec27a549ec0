import { expect } from 'chai';
import fc from 'fast-check';
import { bringUpToDate } from '../../../gateway/sysv/segment-image.js';
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
 * A publication with these spectra upon `before`, whose freed slots leave their fields behind as in
 * SpecTcl.
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

/** What a reader would take for slots, each as one text. */
function seen(memory: Buffer): string[] {
  return bindings(memory).map(
    ({ slot, name, xchans, byteOffset, xmax }) => `${slot} ${name} ${xchans} ${byteOffset} ${xmax}`,
  );
}

/** Lets a reader look before each copy out of `next`. */
function watched(next: Buffer, look: () => void): Buffer {
  return Object.assign(next, {
    copy(...args: Parameters<Buffer['copy']>): number {
      look();
      return Buffer.prototype.copy.apply(next, args);
    },
  });
}

describe('shared memory that is read while it is written', () => {
  it('becomes what was published, also where less is defined than before', () => {
    fc.assert(
      fc.property(fc.array(state, { minLength: 1, maxLength: 4 }), (states) => {
        const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
        let size = 0;
        for (const { spectra, fill, used } of states) {
          const next = publication(image, spectra, fill, used);
          bringUpToDate(image, next, size);
          size = next.byteLength;
          expect(Buffer.compare(image.subarray(0, size), next)).to.equal(0);
          expect(image.subarray(size).every((byte) => byte === 0)).to.equal(true);
        }
      }),
      { numRuns: 15 },
    );
  });

  it('never shows a slot that neither the one nor the other publication has', () => {
    fc.assert(
      fc.property(state, state, (one, two) => {
        const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
        const before = publication(image, one.spectra, one.fill, one.used);
        bringUpToDate(image, before, 0);
        const next = publication(image, two.spectra, two.fill, two.used);
        const allowed = new Set([...seen(before), ...seen(next)]);
        const look = (): void => {
          for (const slot of seen(image)) expect(allowed.has(slot), slot).to.equal(true);
        };
        bringUpToDate(image, watched(next, look), before.byteLength);
        look();
      }),
      { numRuns: 15 },
    );
  });

  it('shows a spectrum that moved only when its channels are there', () => {
    const image = Buffer.alloc(DISPLAY_HEADER_BYTES + CHANNEL_BYTES);
    const one = { slot: 0, name: 'a', xchans: 4, channelOffset: 0 };
    const before = publication(image, [one], 1, 4_096);
    bringUpToDate(image, before, 0);
    const next = publication(image, [{ ...one, channelOffset: 512 }], 2, 4_096);
    let looks = 0;
    bringUpToDate(
      image,
      watched(next, () => {
        const types = image.readInt32LE(TYPES_RANGE[0]);
        looks += types === 0 ? 1 : 0;
      }),
      before.byteLength,
    );
    expect(looks).to.be.greaterThan(0);
    expect(seen(image)).to.deep.equal(seen(next));
  });
});
