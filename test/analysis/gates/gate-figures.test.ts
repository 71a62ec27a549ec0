/**
 * Sums inside gates against an independent statement of the rules: the middle of each bin is tested
 * by itself, and SpecTcl's own `integrate` is asked of the simulator, which has its own code.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { gateFigures } from '../../../analysis/gates/gate-figures.js';
import type { GateAxis, GateOutline, OutlinePoint } from '../../../analysis/gates/gate-outline.js';
import { SpectraView } from '../../../client-lib/index.js';
import { startSimulator, type Simulator } from '../../../simulator/simulator.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';

const NO_SHAPE = { low: 0, high: 0, points: [] };

/** Bins with under- and overflow channels around them. */
function axis(bins: number, low: number, high: number): GateAxis {
  return { channels: bins + 2, first: 1, bins, low, high };
}

const X = axis(20, -10, 30);
const Y = axis(15, 0, 45);

/** Each count is its place in a list of prime-like steps, so that no two sums agree by accident. */
function countsOf(size: number): Uint32Array {
  return Uint32Array.from({ length: size }, (_, index) => (index * 7_919 + 13) % 1_009);
}

const PLANE = countsOf(X.channels * Y.channels);

/** Sum over the middles of all bins that pass a test. */
function sumWhere(isInside: (x: number, y: number) => boolean): number {
  let sum = 0;
  for (let row = 0; row < Y.bins; row += 1) {
    for (let bin = 0; bin < X.bins; bin += 1) {
      const [x, y] = [-10 + (bin + 0.5) * 2, (row + 0.5) * 3];
      if (isInside(x, y)) sum += PLANE[(row + 1) * X.channels + bin + 1]!;
    }
  }
  return sum;
}

/** The angles under which a point sees the sides of a polygon: a whole turn when it is inside. */
function turnsAround(points: readonly OutlinePoint[], x: number, y: number): number {
  let angle = 0;
  points.forEach((from, index) => {
    const to = points[(index + 1) % points.length]!;
    const [ax, ay, bx, by] = [from.x - x, from.y - y, to.x - x, to.y - y];
    angle += Math.atan2(ax * by - ay * bx, ax * bx + ay * by);
  });
  return Math.round(angle / (2 * Math.PI));
}

describe('figures inside gates', () => {
  it('a contour has the counts of the bins whose middle it winds around, for any triangle', () => {
    const coordinate = (low: number, high: number) =>
      fc.double({ min: low - 5, max: high + 5, noNaN: true, noDefaultInfinity: true });
    const point = fc.record({ x: coordinate(-10, 30), y: coordinate(0, 45) });
    fc.assert(
      fc.property(fc.tuple(point, point, point), (points) => {
        const gate: GateOutline = { type: 'c', ...NO_SHAPE, points };
        const expected = sumWhere((x, y) => turnsAround(points, x, y) !== 0);
        expect(gateFigures({ counts: PLANE, x: X, y: Y }, gate).counts.value).to.equal(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('slices and bands have the bins whose middle is between their limits or below their line', () => {
    const line = countsOf(X.channels);
    const slice = gateFigures({ counts: line, x: X }, { type: 's', ...NO_SHAPE, low: -5, high: 1 });
    // Middles -5, -3, -1 and 1: bins 2 to 5, stored channels 3 to 6.
    expect(slice.counts.value).to.equal(line.subarray(3, 7).reduce((sum, count) => sum + count, 0));
    const points = [
      { x: -4, y: 9 },
      { x: 10, y: 30 },
      { x: 20, y: 6 },
    ];
    const height = (x: number): number =>
      x < -4 || x > 20 ? -1 : x <= 10 ? 9 + 1.5 * (x + 4) : 30 - 2.4 * (x - 10);
    const band = gateFigures({ counts: PLANE, x: X, y: Y }, { type: 'b', ...NO_SHAPE, points });
    expect(band.counts.value).to.equal(sumWhere((x, y) => y <= height(x)));
    expect(band.counts.error).to.equal(Math.sqrt(band.counts.value));
  });

  it('centroid and width are those of the counts, with errors that shrink with their number', () => {
    const counts = new Uint32Array(X.channels);
    // Bins 9 to 11: middles 9, 11 and 13.
    counts.set([100, 200, 100], 10);
    const { counts: sum, moments } = gateFigures(
      { counts, x: X },
      { type: 'gs', ...NO_SHAPE, low: 0, high: 20 },
    );
    const [along] = moments;
    expect(sum.value).to.equal(400);
    expect(along!.centroid.value).to.be.closeTo(11, 1e-9);
    expect(along!.centroid.error).to.be.closeTo(Math.SQRT2 / 20, 1e-9);
    expect(along!.fwhm.value).to.be.closeTo(2.35482 * Math.SQRT2, 1e-4);
    expect(
      gateFigures({ counts, x: X }, { type: 's', ...NO_SHAPE, low: 20, high: 25 }).moments,
    ).to.deep.equal([]);
  });

  it('a gate that SpecTcl does not integrate is refused with the reason, when its rule is asked', () => {
    const band: GateOutline = {
      type: 'b',
      ...NO_SHAPE,
      points: [
        { x: 0, y: 0 },
        { x: 1, y: 1 },
      ],
    };
    expect(() => gateFigures({ counts: PLANE, x: X, y: Y }, band, 'spectcl'))
      .to.throw(MirrorflowError, /slices of 1-D and contours of 2-D/)
      .with.property('code', 'BAD_OPTION');
  });
});

describe("SpecTcl's rule of integration", () => {
  let simulator: Simulator;

  before(async () => {
    simulator = await startSimulator({ rate: 0, checksum: false });
    simulator.step(60_000);
  });

  after(() => simulator.close());

  async function integrated(query: string): Promise<{ status: string; detail?: object }> {
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/${query}`);
    return (await answer.json()) as { status: string; detail?: object };
  }

  it('slices have the counts, centroid and FWHM that integrate answers, wherever their limits lie', async () => {
    const { counts } = new SpectraView(simulator.memory).get('ge.02.Cs-137');
    const line: GateAxis = { channels: 4_098, first: 1, bins: 4_096, low: 0, high: 1_024 };
    for (const [low, high] of [
      [600, 700],
      [661.62, 661.7],
      [660.1, 663.24],
      [-50, 20],
      [1_000, 2_000],
      [0, 1_024],
    ] as const) {
      await integrated(`gate/edit?name=g&type=s&parameter=ge.energy.02&low=${low}&high=${high}`);
      const { status, detail } = await integrated('integrate?spectrum=ge.02.Cs-137&gate=g');
      expect(status).to.equal('OK');
      const { counts: sum, moments } = gateFigures(
        { counts, x: line },
        { type: 's', low, high, points: [] },
        'spectcl',
      );
      const { centroid, fwhm, counts: answered } = detail as Record<'centroid' | 'fwhm' | 'counts', number>;
      expect(sum.value).to.equal(answered);
      expect(moments[0]!.centroid.value).to.be.closeTo(centroid, 1e-6);
      expect(moments[0]!.fwhm.value).to.be.closeTo(fwhm, 1e-4);
    }
  });

  it('contours have the counts, centroids and FWHMs that integrate answers, corners and level sides included', async () => {
    const { counts } = new SpectraView(simulator.memory).get('pid.de-vs-e');
    const x: GateAxis = { channels: 514, first: 1, bins: 512, low: 0, high: 120 };
    const y: GateAxis = { channels: 514, first: 1, bins: 512, low: 0, high: 30 };
    for (const points of [
      [
        { x: 12, y: 22 },
        { x: 40, y: 9 },
        { x: 90, y: 4.5 },
        { x: 90, y: 3 },
        { x: 38, y: 6 },
        { x: 11, y: 16 },
      ],
      [
        { x: 10, y: 2 },
        { x: 80, y: 2 },
        { x: 80, y: 20 },
        { x: 10, y: 20 },
      ],
      [
        { x: -20, y: 5 },
        { x: 60, y: 40 },
        { x: 150, y: 1 },
      ],
      [
        { x: 30, y: 1 },
        { x: 60, y: 12 },
        { x: 30, y: 12 },
        { x: 60, y: 1 },
      ],
    ]) {
      const query = points.map((point, at) => `xcoord(${at})=${point.x}&ycoord(${at})=${point.y}`).join('&');
      await integrated(`gate/edit?name=g&type=c&xparameter=si.e&yparameter=si.de&${query}`);
      const { status, detail } = await integrated('integrate?spectrum=pid.de-vs-e&gate=g');
      expect(status).to.equal('OK');
      const { counts: sum, moments } = gateFigures(
        { counts, x, y },
        { type: 'c', low: 0, high: 0, points },
        'spectcl',
      );
      const answered = detail as { centroid: number[]; fwhm: number[]; counts: number };
      expect(sum.value).to.equal(answered.counts);
      moments.forEach(({ centroid, fwhm }, index) => {
        expect(centroid.value).to.be.closeTo(answered.centroid[index]!, 1e-6);
        expect(fwhm.value).to.be.closeTo(answered.fwhm[index]!, 1e-4);
      });
    }
  });
});
