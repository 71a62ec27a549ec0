/** Frames as saved spectra: what JSROOT receives of a paused plot. */
import { expect } from 'chai';
import type { SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';
import { frameSpectrum, savedFrame } from '../../../web/view/saved-frame.js';

const HISTOGRAM: SavedSpectrum = {
  name: 'tof',
  type: '1D long',
  x: { label: 'ns', low: 0, high: 40, channels: 4 },
  counts: [1, 2, 3, 4],
  atMs: 1_000,
};
const MAP: SavedSpectrum = {
  ...HISTOGRAM,
  type: '2D long',
  x: { label: 'x', low: 0, high: 30, channels: 3 },
  y: { label: 'y', low: 5, high: 7, channels: 2 },
  counts: [1, 2, 3, 4, 5, 6],
};

describe('a frame as a spectrum', () => {
  it('has the axes and counts of the spectrum', () => {
    for (const spectrum of [HISTOGRAM, MAP]) {
      const read = frameSpectrum(savedFrame(spectrum, 'tof'), 'tof')!;
      expect({ ...read, counts: Array.from(read.counts) }).to.deep.equal(spectrum);
    }
  });

  it('has no under- and overflow channels', () => {
    const { head, values } = savedFrame(HISTOGRAM, 'tof');
    const info = { ...head.info, xoutside: true, xmin: 10, xmax: 30 };
    const read = frameSpectrum({ values, head: { ...head, info } }, 'tof')!;
    expect(read.x).to.deep.equal({ label: 'ns', low: 10, high: 30, channels: 2 });
    expect(Array.from(read.counts)).to.deep.equal([2, 3]);
  });

  it('has the part of a map that the frame has', () => {
    const { head } = savedFrame(MAP, 'tof');
    const part = { ...head, x: [1, 3] as const, y: [1, 2] as const, columns: 2, rows: 1 };
    const read = frameSpectrum({ values: Float64Array.of(5, 6), head: part }, 'tof')!;
    expect(read.x).to.deep.equal({ label: 'x', low: 10, high: 30, channels: 2 });
    expect(read.y).to.deep.equal({ label: 'y', low: 6, high: 7, channels: 1 });
    expect(Array.from(read.counts)).to.deep.equal([5, 6]);
  });

  it('does not exist where several channels make one value', () => {
    const { head, values } = savedFrame(HISTOGRAM, 'tof');
    expect(frameSpectrum({ values, head: { ...head, xgroup: 2 } }, 'tof')).to.equal(undefined);
  });
});
