/** Heat maps in a terminal, line by line. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { renderHeatMap, type HeatMapOptions } from '../../../console/render/plot-2d.js';
import { SCALE_NAMES } from '../../../plotting/scale.js';
import { ANY_TERMINAL, expectToFit } from './sgr.js';

const plot = (options: Partial<HeatMapOptions>): string[] =>
  renderHeatMap({
    counts: [],
    xchans: 4,
    ychans: 3,
    xmin: 0,
    xmax: 4,
    ymin: 0,
    ymax: 3,
    title: 'tof.dE',
    xlabel: 'ToF',
    ylabel: 'dE',
    sum: 0,
    scale: 'linear',
    width: 60,
    height: 9,
    colour: 'none',
    unicode: true,
    ...options,
  });

describe('heat maps', () => {
  // Row 0 first: the corner with 9 is at the lower left.
  const counts = [9, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 3];

  it('a small heat map in shades has the expected lines', () => {
    expect(plot({ counts, sum: 18, width: 43 })).to.deep.equal([
      'tof.dE  sum 18  max 9 at (0.5, 0.5)',
      '2 ┤                              ----------',
      '  │          ++++++++++',
      '0 ┤@@@@@@@@@@                    ..........',
      '  └┬─────────┬─────────┬─────────┬────────┬',
      '   0         1         2         3        4',
      '                                        ToF',
      '0 blank  0 ..::--==+ 5 +**##%%@@ 10',
      'y: dE; counts, linear scale',
    ]);
  });
  it('in colour two rows of a heat map share a line of half blocks', () => {
    // 2 x 4 channels on 10 columns and 2 lines: each half of a line is one row of channels.
    const counts = [4, 4, 0, 4, 4, 0, 0, 0];
    const lines = plot({
      counts,
      xchans: 2,
      ychans: 4,
      xmax: 2,
      ymax: 4,
      width: 13,
      height: 8,
      colour: '256',
    });
    expect(lines.slice(1, 3)).to.deep.equal([
      '\x1b[2m2 ┤\x1b[0m\x1b[0;38;5;220m▄▄▄▄▄\x1b[0m',
      '\x1b[2m0 ┤\x1b[0m\x1b[0;38;5;220m▄▄▄▄▄█████\x1b[0m',
    ]);
  });
  it('the colour key shows the counts of its ends and its middle', () => {
    expect(plot({ counts, sum: 18 }).at(-2)).to.equal('0 blank  0 ..::--==+ 5 +**##%%@@ 10');
  });
  it('a single hot channel stays visible, and the caption names maximum or mean', () => {
    const large = new Uint16Array(200 * 200);
    large[150 * 200 + 20] = 1;
    const options = { counts: large, xchans: 200, ychans: 200, xmax: 200, ymax: 200, width: 80, height: 20 };
    const maximum = plot(options);
    expect(maximum[0]).to.equal('tof.dE  sum 0  max 1 at (20.5, 150.5)');
    expect(maximum.join('\n')).to.contain('@');
    expect(maximum.at(-1)).to.contain('each point is the maximum of 2-3 x 14-15 channels');
    expect(plot({ ...options, resampling: 'mean' }).at(-1)).to.contain('each point is the mean of');
  });
  it('counts that do not match the dimensions are refused', () => {
    expect(() => plot({ counts: [1, 2, 3] })).to.throw('4 x 3 channels has 12 contents, not 3');
  });
  it('every channel with counts is drawn, and no other', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 12, maxLength: 12 }),
        fc.constantFrom(...SCALE_NAMES),
        fc.boolean(),
        (counts, scale, unicode) => {
          // 4 x 3 channels on 40 x 3 cells.
          const lines = plot({ counts, scale, unicode, width: 43 });
          for (let row = 0; row < 3; row += 1) {
            const line = lines[3 - row]!.slice(3).padEnd(40);
            const shown = [0, 1, 2, 3].map(
              (column) => line.slice(column * 10, column * 10 + 10).trim().length,
            );
            expect(shown).to.deep.equal(
              [0, 1, 2, 3].map((column) => (counts[row * 4 + column] === 0 ? 0 : 10)),
            );
          }
        },
      ),
    );
  });
  it('no escape sequence passes and no line is wider than the terminal', () => {
    const text = fc.string({ unit: 'binary' });
    const range = fc.option(fc.tuple(fc.double(), fc.double()), { nil: undefined });
    fc.assert(
      fc.property(
        fc.record({
          counts: fc.array(fc.double(), { minLength: 12, maxLength: 12 }),
          xmin: fc.double(),
          xmax: fc.double(),
          ymin: fc.double(),
          ymax: fc.double(),
          xrange: range,
          title: text,
          xlabel: text,
          ylabel: text,
          sum: fc.bigInt(),
          resampling: fc.constantFrom('max', 'mean'),
          ...ANY_TERMINAL,
        }),
        (options) => {
          expectToFit(plot(options), options);
        },
      ),
    );
  });
});
