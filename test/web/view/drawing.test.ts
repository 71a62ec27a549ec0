/** Scales, axes, envelopes and searches: what is drawn is where it belongs. */
import { expect } from 'chai';
import { array, assert as property, integer, property as forAll } from 'fast-check';
import {
  fitRange,
  panRange,
  placement,
  toChannel,
  toUnits,
  xAxis,
  zoomRange,
} from '../../../web/view/axis.js';
import { colourWords } from '../../../web/view/colours.js';
import { envelope } from '../../../web/view/envelope.js';
import { paintHeat } from '../../../web/view/heat.js';
import { axisTop, countTicks, linearTicks, scaler, SCALES } from '../../../web/view/scale.js';
import { nameMatcher } from '../../../web/view/search.js';

const INFO = {
  name: 'a',
  type: '1D long',
  dimensions: 1,
  xchans: 102,
  ychans: 1,
  xmin: 0,
  xmax: 200,
  ymin: 0,
  ymax: 0,
  xlabel: 'keV',
  ylabel: '',
  xoutside: true,
  youtside: false,
} as const;

describe('the scales of counts', () => {
  it('grow with the counts, from 0 at the bottom to 1 at the top', () => {
    for (const name of SCALES) {
      const height = scaler(name, 1_000);
      expect(height(0)).to.equal(0);
      expect(height(1_000)).to.be.closeTo(1, 1e-12);
      expect(height(1)).to.be.above(0);
      for (let count = 1; count < 1_000; count += 37) expect(height(count + 1)).to.be.above(height(count));
    }
  });

  it('have room above the highest, and round ticks', () => {
    for (const max of [0, 1, 7, 99, 12_345])
      for (const name of SCALES) expect(axisTop(name, max)).to.be.above(max);
    expect(countTicks('log', 2_000, 10).map(({ label }) => label)).to.deep.equal(['1', '10', '100', '1000']);
    expect(linearTicks(0, 1, 5).map(({ label }) => label)).to.deep.equal([
      '0.0',
      '0.2',
      '0.4',
      '0.6',
      '0.8',
      '1.0',
    ]);
    expect(linearTicks(-150, 350, 5).map(({ value }) => value)).to.deep.equal([-100, 0, 100, 200, 300]);
  });
});

describe('the axis of channels', () => {
  const axis = xAxis(INFO);

  it('leaves under- and overflow out, and knows units and channels', () => {
    expect(axis.inside).to.deep.equal([1, 101]);
    expect(toUnits(axis, 1)).to.equal(0);
    expect(toUnits(axis, 101)).to.equal(200);
    expect(toChannel(axis, toUnits(axis, 42.5))).to.be.closeTo(42.5, 1e-9);
  });

  it('stays inside when it is zoomed and moved', () => {
    expect(fitRange(axis, -50, 500)).to.deep.equal([1, 101]);
    expect(zoomRange(axis, [1, 101], 51, 0.5)).to.deep.equal([26, 76]);
    expect(panRange(axis, [26, 76], 1_000)).to.deep.equal([51, 101]);
    expect(panRange(axis, [26, 76], -1_000)).to.deep.equal([1, 51]);
  });

  it('puts overlaid spectra where their units are, or their channels', () => {
    const other = xAxis({ ...INFO, xchans: 50, xoutside: false, xmax: 100 });
    const { scale, offset } = placement(axis, other, false);
    expect(toUnits(axis, offset + 10 * scale)).to.be.closeTo(toUnits(other, 10), 1e-9);
    expect(placement(axis, other, true)).to.deep.equal({ scale: 1, offset: 1 });
  });
});

describe('drawing', () => {
  it('loses no high channel on a narrow plot', () => {
    property(
      forAll(
        array(integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 500 }),
        integer({ min: 1, max: 100 }),
        (counts, columns) => {
          const { low, high } = envelope(Uint32Array.from(counts), columns);
          expect(Math.max(...high)).to.equal(Math.max(...counts));
          high.forEach((top, column) => expect(low[column]).to.be.at.most(top));
        },
      ),
    );
  });

  it('gives every count above 0 a colour, the first row at the bottom', () => {
    const pixels = new Uint32Array(4);
    const colours = colourWords();
    paintHeat(pixels, Uint32Array.of(0, 1, 2, 100_000), 2, 2, colours, 'linear', 100_000);
    expect(pixels[2]).to.equal(0);
    expect(pixels[3]).to.equal(colours[1]);
    expect(pixels[1]).to.equal(colours[255]);
    paintHeat(pixels, Uint8Array.of(0, 1, 2, 3), 2, 2, colours, 'log', 3);
    expect([...pixels].filter((pixel) => pixel !== 0)).to.have.length(3);
  });
});

describe('searching', () => {
  it('finds names that contain the text and names that the text matches as a pattern', () => {
    expect(nameMatcher('CO')('ge.00.Co-60')).to.equal(true);
    expect(nameMatcher('ge.*')('ge.00.Co-60')).to.equal(true);
    expect(nameMatcher('ge.0?')('ge.00.Co-60')).to.equal(false);
    expect(nameMatcher('raw[0-3]')('raw2')).to.equal(true);
    for (const text of ['raw[00]', 'w[0']) expect(nameMatcher(text)('raw[00]')).to.equal(true);
    expect(nameMatcher('a.b*')('axb')).to.equal(false);
    expect(nameMatcher('')('anything')).to.equal(true);
  });
});
