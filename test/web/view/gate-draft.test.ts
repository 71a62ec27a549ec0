/** Drawing a gate: where points go, what can be sent, and when SpecTcl has it. */
import { expect } from 'chai';
import {
  draftOf,
  editOf,
  isSameGate,
  missingPart,
  movedPoint,
  newDraft,
  pointNear,
  selectNext,
  shapeOf,
  withoutPoint,
  withPoint,
} from '../../../web/view/gate-draft.js';
import type { GatePoint } from '../../../web/wire/changes.js';

const PIXEL = { x: 1, y: 1 };
const SQUARE = [
  { x: 0, y: 0 },
  { x: 10, y: 0 },
  { x: 10, y: 10 },
  { x: 0, y: 10 },
];

describe('a gate that is drawn', () => {
  const contour = (points: readonly GatePoint[]) =>
    points.reduce((draft, point) => withPoint(draft, point, PIXEL), newDraft('c', ['a', 'b'], 'g'));

  it('a new point of a contour goes into the nearest side, as the screen shows it', () => {
    const square = contour(SQUARE);
    expect(square.points).to.deep.equal(SQUARE);
    const right = withPoint(square, { x: 12, y: 5 }, PIXEL);
    expect(right.points.indexOf(right.points[right.selected]!)).to.equal(2);
    const last = withPoint(square, { x: -1, y: 5 }, PIXEL);
    expect([last.selected, last.points[4]]).to.deep.equal([4, { x: -1, y: 5 }]);
    // With y in a unit that fills the screen, the side below is nearer.
    expect(withPoint(square, { x: 9, y: 3 }, { x: 0.1, y: 10 }).selected).to.equal(1);
  });

  it('points of a band are in the order of x, and the moved one stays selected', () => {
    const draft = [
      { x: 5, y: 1 },
      { x: 1, y: 2 },
      { x: 9, y: 3 },
    ].reduce((band, point) => withPoint(band, point, PIXEL), newDraft('b', ['a', 'b'], 'g'));
    expect(draft.points.map(({ x }) => x)).to.deep.equal([1, 5, 9]);
    const moved = movedPoint(draft, 0, { x: 7, y: 2 });
    expect([moved.points.map(({ x }) => x), moved.selected]).to.deep.equal([[5, 7, 9], 1]);
  });

  it('a slice has two limits, lower first, and a third point moves the nearer one', () => {
    const one = withPoint(newDraft('s', ['a'], 'g'), { x: 8, y: 3 }, PIXEL);
    expect(missingPart(one)).to.equal('one more point');
    const two = withPoint(one, { x: 2, y: 0 }, PIXEL);
    expect(missingPart(two)).to.equal(undefined);
    expect(shapeOf(two)).to.include({ low: 2, high: 8, shape: 'slice' });
    expect(shapeOf(withPoint(two, { x: 4, y: 0 }, PIXEL))).to.include({ low: 4, high: 8 });
    expect(editOf(shapeOf(two))).to.deep.equal({ name: 'g', type: 's', parameters: ['a'], low: 2, high: 8 });
  });

  it('a removed point selects the next, and a contour of two points is not sent', () => {
    let draft = withoutPoint(contour(SQUARE), 0);
    expect([draft.points.length, draft.selected]).to.deep.equal([3, 0]);
    expect(missingPart(draft)).to.equal(undefined);
    expect(selectNext(selectNext(selectNext(draft))).selected).to.equal(0);
    draft = withoutPoint(draft, 2);
    expect(missingPart(draft)).to.equal('one more point');
    expect(withoutPoint(draft, 7)).to.equal(draft);
    expect(missingPart({ ...contour(SQUARE), name: ' ' })).to.equal('a name');
  });

  it('a point is found within reach on the screen, and a limit of a slice at any height', () => {
    const square = contour(SQUARE);
    expect(pointNear(square, { x: 10.5, y: 9 }, PIXEL, 3)).to.equal(2);
    expect(pointNear(square, { x: 10.5, y: 9 }, { x: 1, y: 0.1 }, 3)).to.equal(undefined);
    const slice = draftOf({ ...shapeOf(square), type: 's', shape: 'slice', low: 1, high: 5, points: [] });
    expect(pointNear(slice, { x: 4.5, y: 1_000 }, PIXEL, 3)).to.equal(1);
    expect(slice.isEdit).to.equal(true);
  });

  it('a gate is the same when SpecTcl lists it with fewer digits', () => {
    const sent = shapeOf(contour([{ x: 1 / 3, y: 2 / 3 }, ...SQUARE]));
    const listed = {
      ...sent,
      points: sent.points.map(({ x, y }) => ({ x: Math.fround(x), y: Math.fround(y) })),
    };
    expect(isSameGate(sent, listed)).to.equal(true);
    expect(isSameGate(sent, { ...listed, points: listed.points.slice(1) })).to.equal(false);
    expect(isSameGate(sent, undefined)).to.equal(false);
  });
});
