/** Bins of 3-D pictures of JSROOT: sums of channels. Pure. */
import { expect } from 'chai';
import { binned } from '../../../web/view/jsroot-bins.js';
import type { SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';

const MAP: SavedSpectrum = {
  name: 'map',
  type: '2D long',
  x: { label: 'x', low: 0, high: 50, channels: 5 },
  y: { label: 'y', low: 10, high: 13, channels: 3 },
  counts: [1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500],
  atMs: 7,
};

describe('bins of a 3-D picture', () => {
  it('a spectrum with few channels stays as it is', () => {
    expect(binned(MAP, 5).spectrum).to.equal(MAP);
  });

  it('channels are summed until the axes have few enough bins; the last bin may reach beyond the axis', () => {
    const { spectrum, xgroup, ygroup } = binned(MAP, 2);
    expect([xgroup, ygroup]).to.deep.equal([3, 2]);
    expect(spectrum.x).to.deep.equal({ label: 'x', low: 0, high: 60, channels: 2 });
    expect(spectrum.y).to.deep.equal({ label: 'y', low: 10, high: 14, channels: 2 });
    expect(Array.from(spectrum.counts)).to.deep.equal([66, 99, 600, 900]);
    expect(spectrum).to.include({ name: 'map', atMs: 7 });
  });

  it('a histogram has one row', () => {
    const { y: _, ...histogram } = { ...MAP, counts: [1, 2, 3, 4, 5] };
    const { spectrum, ygroup } = binned(histogram, 3);
    expect(ygroup).to.equal(1);
    expect(Array.from(spectrum.counts)).to.deep.equal([3, 7, 5]);
    expect(spectrum.y).to.equal(undefined);
  });
});
