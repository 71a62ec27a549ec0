/** Tests the frames of a mirror over NATS: publications as key frames and deltas. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import { mirrorFrames, type Publication } from '../../../nats/publish/mirror-frames.js';
import { applyBlocks } from '../../../protocol/flow/wire/blocks.js';
import { FRAME_BYTES, FrameKind, decodeHeader, emptyHeader } from '../../../protocol/flow/wire/frame.js';

const CAPACITY = 300 * 4096;

function publication(sequence: number, memory: Buffer): Publication {
  return { epoch: 1, sequence, timestampNs: 2 ** 60, slotFlags: 3 * 65_536 + 7, memory };
}

/** Applies the frames to `target` and returns the size of the publication. */
function apply(frames: readonly Buffer[], target: Buffer): number {
  const header = emptyHeader();
  for (const frame of frames) {
    expect(decodeHeader(frame, 0, header)).to.equal(undefined);
    const payload = frame.subarray(FRAME_BYTES);
    expect(payload.length).to.equal(header.length);
    if (header.kind === FrameKind.PUBLICATION) return payload.readUInt32LE(0);
    expect(applyBlocks(payload, header.detail, header.bits, header.value, target)).to.be.an('array');
  }
  throw new Error('the publication is not completed');
}

const memory = fc
  .record({ size: fc.integer({ min: 1, max: CAPACITY }), seed: fc.integer() })
  .map(({ size, seed }) => Buffer.alloc(size, `${seed}`));

describe('frames of a mirror', () => {
  it('the frames of a delta give the publication bit for bit, also when its base has another size', () => {
    const change = fc.tuple(fc.nat(CAPACITY - 1), fc.integer({ min: 1, max: 255 }));
    const sizes = fc.integer({ min: 1, max: CAPACITY });
    fc.assert(
      fc.property(memory, fc.array(change, { maxLength: 40 }), sizes, (base, changes, size) => {
        const newer = Buffer.alloc(size);
        base.copy(newer);
        for (const [at, value] of changes) newer[at % size] = value;
        const target = Buffer.alloc(CAPACITY);
        base.copy(target);
        expect(apply(mirrorFrames(publication(2, newer), publication(1, base)), target)).to.equal(size);
        expect(target.subarray(0, size).equals(newer)).to.equal(true);
      }),
      { numRuns: 40 },
    );
  });

  it('the frames of a key frame replace the whole memory', () => {
    fc.assert(
      fc.property(memory, (whole) => {
        const target = Buffer.alloc(CAPACITY, 0xa5);
        expect(apply(mirrorFrames(publication(1, whole)), target)).to.equal(whole.length);
        expect(target.subarray(0, whole.length).equals(whole)).to.equal(true);
      }),
      { numRuns: 40 },
    );
  });

  it('a publication without a change is one frame', () => {
    const same = Buffer.alloc(8192, 1);
    const frames = mirrorFrames(publication(2, Buffer.from(same)), publication(1, same));
    expect(frames).to.have.length(1);
  });

  it('the frames of one changed counter have a few bytes, not a block', () => {
    const base = Buffer.alloc(4096 * 4);
    const newer = Buffer.from(base);
    newer[5000] = 1;
    const frames = mirrorFrames(publication(2, newer), publication(1, base));
    expect(Buffer.concat(frames).length).to.be.lessThan(150);
  });
});
