/** Histograms in a terminal, line by line. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { renderHistogram, type HistogramOptions } from '../../../console/render/plot-1d.js';
import { SCALE_NAMES } from '../../../plotting/scale.js';
import { ANY_TERMINAL, expectToFit } from './sgr.js';

const plot = (options: Partial<HistogramOptions>): string[] =>
  renderHistogram({
    counts: [],
    xmin: 0,
    xmax: 10,
    title: 'ge.00',
    xlabel: 'keV',
    sum: 0,
    scale: 'linear',
    width: 30,
    height: 8,
    colour: 'none',
    unicode: true,
    ...options,
  });

describe('histograms', () => {
  const counts = [0, 1, 2, 3, 4, 8, 4, 3, 2, 0];

  it('a small histogram has the expected lines', () => {
    expect(plot({ counts, sum: 27, width: 33, height: 9 })).to.deep.equal([
      'ge.00  sum 27  max 8 at 5.5 (cha…',
      '  │               ███',
      '5 ┤               ███',
      '  │         ▄▄▄█████████▄▄▄',
      '  │   ▄▄▄█████████████████████',
      '0 └┬──────────────┬─────────────┬',
      '   0              5            10',
      '                              keV',
      'counts, linear scale',
    ]);
  });
  it('without Unicode a small histogram is drawn in ASCII', () => {
    expect(plot({ counts, sum: 27, width: 33, height: 9, unicode: false })).to.deep.equal([
      'ge.00  sum 27  max 8 at 5.5 (ch..',
      '  |               ###',
      '5 +               ###',
      '  |         :::#########:::',
      '  |   :::#####################',
      '0 ++--------------+-------------+',
      '   0              5            10',
      '                              keV',
      'counts, linear scale',
    ]);
  });
  it('the mark of stale data comes first in the heading', () => {
    expect(plot({ counts, stale: true })[0]).to.match(/^\[STALE\] ge\.00/);
    expect(plot({ counts, stale: true, colour: 'basic' })[0]).to.satisfy((line: string) =>
      line.startsWith('\x1b[1;7;31m[STALE]\x1b[0m '),
    );
    expect(plot({ counts, stale: true, width: 7 })[0]).to.match(/^\[STA/);
  });
  it('the caption states how many channels share a column', () => {
    const wide = new Uint32Array(1000);
    wide[777] = 5;
    const lines = plot({ counts: wide, width: 80 });
    expect(lines.at(-1)).to.equal('counts, linear scale; each column is the maximum of 12-13 channels');
    expect(lines[0]).to.equal('ge.00  sum 0  max 5 at 7.775 (channel 777)');
    expect(lines.join('\n')).to.contain('█');
  });
  it('a range limits a histogram to its channels', () => {
    const lines = plot({ counts, range: [2, 4], width: 60 });
    expect(lines[0]).to.equal('ge.00  sum 0  max 3 at 3.5 (channel 3)');
  });
  it('a plot without channels or without room is replaced by a sentence', () => {
    expect(plot({ counts: [] })[1]).to.equal('No channels in this range.');
    expect(plot({ counts, range: [20, 30] })[1]).to.equal('No channels in this range.');
    expect(plot({ counts, width: 60, height: 4 })[1]).to.equal('The terminal is too small for a plot.');
  });
  it('a spectrum without counts has an empty plot', () => {
    const lines = plot({ counts: new Uint16Array(10) });
    expect(lines[0]).to.equal('ge.00  sum 0  max 0');
    expect(lines.join('\n')).not.to.match(/[▁▂▃▄▅▆▇█]/);
  });
  it('every column with counts is drawn, and no other', () => {
    fc.assert(
      fc.property(
        fc.uint32Array({ minLength: 1, maxLength: 40 }),
        fc.constantFrom(...SCALE_NAMES),
        fc.boolean(),
        (counts, scale, unicode) => {
          const lines = plot({ counts, scale, unicode, width: 90, height: 12 });
          const axis = lines.find((line) => /└|^ *0 \+/.test(line))!;
          const left = axis.search(/[└+]/) + 1;
          const columns = 90 - left;
          const lowest = lines[lines.indexOf(axis) - 1]!.slice(left).padEnd(columns);
          for (let column = 0; column < columns; column += 1) {
            const count = counts[Math.floor((column * counts.length) / columns)]!;
            expect(lowest[column] === ' ').to.equal(count === 0);
          }
        },
      ),
    );
  });
  it('no escape sequence passes and no line is wider than the terminal', () => {
    const text = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(
        fc.record({
          counts: fc.oneof(fc.uint8Array(), fc.uint16Array(), fc.array(fc.double())),
          xmin: fc.double(),
          xmax: fc.double(),
          title: text,
          xlabel: text,
          ylabel: text,
          sum: fc.double(),
          stale: fc.boolean(),
          ...ANY_TERMINAL,
        }),
        (options) => {
          expectToFit(plot(options), options);
        },
      ),
    );
  });
});
