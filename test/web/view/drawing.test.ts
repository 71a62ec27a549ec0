/**
 * Tests what plots are drawn from: axes in channels and units (axis.ts), pixels of heat maps
 * (heat.ts), and the search for names of spectra (search.ts). Pure.
 */
import { expect } from 'chai';
import {
  fitRange,
  panRange,
  overlayPlacement,
  toChannel,
  toUnits,
  xAxis,
  zoomRange,
} from '../../../web/view/axis.js';
import { colourWords, paintHeat } from '../../../web/view/heat.js';
import { nameMatcher } from '../../../web/view/search.js';
import { sampleHistogram } from '../../kit/sample-spectrum.js';

/** A spectrum of 100 bins of 2 keV, with a channel for underflow and one for overflow. */
const INFO = sampleHistogram({ xmax: 200 });

describe('the axis of channels', () => {
  const axis = xAxis(INFO);

  it('an axis excludes under- and overflow, and converts channels to units and back', () => {
    expect(axis.inRange).to.deep.equal([1, 101]);
    expect(toUnits(axis, 1)).to.equal(0);
    expect(toUnits(axis, 101)).to.equal(200);
    expect(toChannel(axis, toUnits(axis, 42.5))).to.be.closeTo(42.5, 1e-9);
  });

  it('a zoomed or moved range stays on its axis', () => {
    expect(fitRange(axis, -50, 500)).to.deep.equal([1, 101]);
    expect(zoomRange(axis, [1, 101], 51, 0.5)).to.deep.equal([26, 76]);
    expect(panRange(axis, [26, 76], 1_000)).to.deep.equal([51, 101]);
    expect(panRange(axis, [26, 76], -1_000)).to.deep.equal([1, 51]);
  });

  it('an overlaid spectrum is placed by its units, or by its channels', () => {
    const other = xAxis({ ...INFO, xchans: 50, xoutside: false, xmax: 100 });
    const { scale, offset } = overlayPlacement(axis, other, false);
    expect(toUnits(axis, offset + 10 * scale)).to.be.closeTo(toUnits(other, 10), 1e-9);
    expect(overlayPlacement(axis, other, true)).to.deep.equal({ scale: 1, offset: 1 });
  });
});

describe('drawing', () => {
  it('every count above 0 gets a colour, with the first row at the bottom', () => {
    const pixels = new Uint32Array(4);
    const colours = colourWords('viridis');
    const style = { scale: 'linear', bottom: 0, top: 100_000, threshold: undefined } as const;
    paintHeat(pixels, Uint32Array.of(0, 1, 2, 100_000), 2, 2, colours, style);
    expect(pixels[2]).to.equal(0);
    expect(pixels[3]).to.equal(colours[1]);
    expect(pixels[1]).to.equal(colours[255]);
    paintHeat(pixels, Uint8Array.of(0, 1, 2, 3), 2, 2, colours, { ...style, scale: 'log', top: 3 });
    expect([...pixels].filter((pixel) => pixel !== 0)).to.have.length(3);
  });

  it('counts below the threshold have no colour, and typed limits are the ends of the colours', () => {
    const colours = colourWords('jet');
    for (const values of [Uint8Array.of(4, 5, 10, 20), Uint32Array.of(4, 5, 10, 20)]) {
      const pixels = new Uint32Array(4);
      const style = { scale: 'linear', bottom: 5, top: 10, threshold: 5 } as const;
      paintHeat(pixels, values, 4, 1, colours, style);
      expect([...pixels]).to.deep.equal([0, colours[1], colours[255], colours[255]]);
    }
  });
});

describe('searching', () => {
  it('a search matches names that contain the text, and names that the text matches as a pattern', () => {
    expect(nameMatcher('CO')('ge.00.Co-60')).to.equal(true);
    expect(nameMatcher('ge.*')('ge.00.Co-60')).to.equal(true);
    expect(nameMatcher('ge.0?')('ge.00.Co-60')).to.equal(false);
    expect(nameMatcher('raw[0-3]')('raw2')).to.equal(true);
    for (const text of ['raw[00]', 'w[0']) expect(nameMatcher(text)('raw[00]')).to.equal(true);
    expect(nameMatcher('a.b*')('axb')).to.equal(false);
    expect(nameMatcher('')('anything')).to.equal(true);
  });
});
