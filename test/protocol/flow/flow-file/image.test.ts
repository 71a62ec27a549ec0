/**
 * The image of a mirror: changed blocks, updates, what readers see. Writes a temporary directory.
 */
import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import {
  IMAGE_BLOCK_BYTES,
  ImageWriter,
  changedRanges,
  createImage,
  imageState,
  openImage,
} from '../../../../protocol/flow/flow-file/image.js';
import { Place } from './place.js';

const BYTES = 100 * IMAGE_BLOCK_BYTES + 123;

describe('changed ranges', () => {
  const change = fc.record({ at: fc.nat({ max: BYTES - 1 }), length: fc.integer({ min: 1, max: 9000 }) });

  it('copying the changed ranges makes the image equal, and they contain changed blocks only', () => {
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 12 }),
        fc.nat({ max: BYTES }),
        fc.nat({ max: BYTES }),
        (changes, one, other) => {
          const [from, to] = [Math.min(one, other), Math.max(one, other)];
          const image = Buffer.alloc(BYTES, 7);
          const next = Buffer.alloc(BYTES, 7);
          for (const { at, length } of changes) next.fill(8, at, Math.min(BYTES, at + length));
          const ranges = changedRanges(image, next, from, to);
          let last = from - 1;
          for (const [start, end] of ranges) {
            // Ascending, inside, on the grid, and not adjacent to the one before.
            expect(start).to.be.greaterThan(last);
            expect(end).to.be.within(start + 1, to);
            expect(start === from || start % IMAGE_BLOCK_BYTES === 0).to.equal(true);
            expect(end === to || end % IMAGE_BLOCK_BYTES === 0).to.equal(true);
            for (
              let at = start;
              at < end;
              at = (Math.floor(at / IMAGE_BLOCK_BYTES) + 1) * IMAGE_BLOCK_BYTES
            ) {
              const blockEnd = Math.min(end, (Math.floor(at / IMAGE_BLOCK_BYTES) + 1) * IMAGE_BLOCK_BYTES);
              expect(image.compare(next, at, blockEnd, at, blockEnd)).to.not.equal(0);
            }
            next.copy(image, start, start, end);
            last = end;
          }
          expect(image.subarray(from, to).equals(next.subarray(from, to))).to.equal(true);
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('the image', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  it('an image starts as zeros and is the same memory for its readers', () => {
    const image = createImage(place.file('image'), BYTES, { mode: 0o640 });
    const mapped = openImage(place.file('image'));
    expect([mapped.length, mapped.every((byte) => byte === 0)]).to.deep.equal([BYTES, true]);
    image[BYTES - 1] = 9;
    expect(mapped[BYTES - 1]).to.equal(9);
    expect(readdirSync(place.path)).to.deep.equal(['image']);
  });

  it('a new image replaces an older one, whose readers keep their memory', () => {
    createImage(place.file('image'), 100, { mode: 0o640 }).fill(1);
    const before = openImage(place.file('image'));
    createImage(place.file('image'), 200, { mode: 0o640 });
    expect([before[99], openImage(place.file('image')).length]).to.deep.equal([1, 200]);
  });

  it('the generation of an image is odd while it is written, and its sequence is the one applied last', () => {
    const file = place.create();
    const image = createImage(place.file('image'), BYTES, { mode: 0o640 });
    const writer = new ImageWriter(file, image);
    expect(imageState(file)).to.deep.equal({ generation: 0, sequence: undefined });
    const next = Buffer.alloc(BYTES, 3);
    const generations: number[] = [];
    next.copy = (target: Uint8Array, ...where: [number, number, number]) => {
      generations.push(imageState(file).generation);
      return Buffer.from(next).copy(target, ...where);
    };
    writer.apply(next, [[0, 10]], 0, BYTES, 0);
    writer.apply(next, [[20, 30]], 5, BYTES, BYTES);
    expect(generations).to.deep.equal([1, 3]);
    expect(imageState(file)).to.deep.equal({ generation: 4, sequence: 5 });
    expect([image[9], image[10], image[19], image[20]]).to.deep.equal([3, 0, 0, 3]);
  });

  it('an image holds zeros beyond the end of a shorter publication', () => {
    const file = place.create();
    const image = createImage(place.file('image'), BYTES, { mode: 0o640 });
    const writer = new ImageWriter(file, image);
    const next = Buffer.alloc(BYTES, 3);
    writer.apply(next, [[0, BYTES]], 0, BYTES, 0);
    writer.apply(next, [], 1, 5000, BYTES);
    expect([image[4999], image[5000], image[BYTES - 1]]).to.deep.equal([3, 0, 0]);
  });

  it('the generation of an image is even again after the successor of a killed writer wrote', () => {
    const file = place.create();
    file.imageGeneration = 7;
    new ImageWriter(file, createImage(place.file('image'), 10, { mode: 0o640 })).apply(
      Buffer.alloc(10),
      [],
      0,
      10,
      0,
    );
    expect(imageState(file).generation).to.equal(8);
  });
});
