/** Projections within gates and contours, and their titles. Pure. */
import { expect } from 'chai';
import { zoneText } from '../../../web/view/moment.js';
import { defaultPlot } from '../../../web/view/plot-spec.js';
import { plotTitles } from '../../../web/view/plot-title.js';
import { outlineOf, parseContour } from '../../../web/view/projected-part.js';
import type { GateShape } from '../../../protocol/spectcl/gate-shape.js';
import { sampleMap } from '../../kit/sample-spectrum.js';

const MAP = sampleMap({
  name: 'pid',
  xmax: 1_000,
  ymax: 500,
  xlabel: '',
  ylabel: '',
  parameters: ['de', 'e'],
});

function gate(part: Partial<GateShape>): GateShape {
  const points = [
    { x: 0, y: 0 },
    { x: 1_000, y: 0 },
    { x: 500, y: 250 },
  ];
  return {
    name: 'g',
    type: 'c',
    shape: 'contour',
    parameters: ['de', 'e'],
    low: 0,
    high: 0,
    points,
    ...part,
  };
}

describe('a projection within a gate', () => {
  it('the corners of a gate are in stored channels, behind the underflow channel', () => {
    const points = [
      { x: 1, y: 1 },
      { x: 101, y: 1 },
      { x: 51, y: 26 },
    ];
    expect(outlineOf({ gate: 'g' }, MAP, [gate({})])).to.deep.equal({ shape: 'contour', points });
    const band = gate({ type: 'b', shape: 'band' });
    expect(outlineOf({ gate: 'g' }, MAP, [band])).to.deep.equal({ shape: 'band', points });
  });

  it('a gate that does not exist, is a slice or is on other parameters has no corners', () => {
    const others = [
      gate({ type: 's', shape: 'slice' }),
      gate({ parameters: ['e', 'de'] }),
      gate({ name: 'other' }),
    ];
    expect(outlineOf({ gate: 'g' }, MAP, others)).to.equal(undefined);
  });

  it('a contour has 3 to 64 corners of two numbers each', () => {
    expect(parseContour('1,2 3.456,4; 5 6')).to.deep.equal([
      { x: 1, y: 2 },
      { x: 3.46, y: 4 },
      { x: 5, y: 6 },
    ]);
    const many = Array.from({ length: 65 }, () => '1,2').join(' ');
    for (const text of ['', '1,2 3,4', '1,2 3,4 5', '1,2 3,4 5,x', many]) {
      expect(parseContour(text), text).to.equal(undefined);
    }
  });

  it('the title says what is projected, within what, and since when', () => {
    const plot = { ...defaultPlot('pid'), projection: 'x' } as const;
    expect(plotTitles({ ...plot, within: { gate: 'banana' } })).to.deep.equal([
      'pid · onto x within gate banana',
    ]);
    const contour = parseContour('1,2 3,4 5,6')!;
    const sinceMs = new Date(2026, 10, 30, 9, 5, 7).getTime();
    expect(plotTitles({ ...plot, within: { contour }, sinceMs })).to.deep.equal([
      `pid · onto x within a contour of 3 points · since 2026-11-30 09:05:07 ${zoneText(sinceMs)}`,
    ]);
  });
});
