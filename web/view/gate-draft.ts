/**
 * A gate (condition on one or two parameters of an event) while a user draws it: its points, which
 * of them is selected, and what becomes of it. The page's `PlotGates` keeps one. Pure: every
 * function returns a new draft. Points are in units of the axes; a slice has two, its limits.
 */
import type { GateEdit, GatePoint } from '../wire/changes.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';

export interface GateDraft {
  readonly name: string;
  readonly type: GateEdit['type'];
  readonly parameters: readonly string[];
  readonly points: readonly GatePoint[];
  /** Index of the selected point; -1 without points. */
  readonly selected: number;
  /** Whether SpecTcl has a gate of this name, which the draft replaces. */
  readonly isEdit: boolean;
}

/** Units per pixel of both axes, so that distances are those on the screen. */
export interface PixelSize {
  readonly x: number;
  readonly y: number;
}

/** What SpecTcl demands. */
const POINTS_MIN = { s: 2, gs: 2, b: 2, gb: 2, c: 3, gc: 3 } as const;

export function newDraft(type: GateEdit['type'], parameters: readonly string[], name: string): GateDraft {
  return { name, type, parameters, points: [], selected: -1, isEdit: false };
}

export function draftOf({ name, type, parameters, points, low, high }: GateShape): GateDraft {
  const shape = isSlice(type) ? [low, high].map((x) => ({ x, y: 0 })) : points;
  return { name, type, parameters, points: shape, selected: shape.length - 1, isEdit: true };
}

/**
 * Adds a point and selects it: in the nearest side of a contour, in the order of x to a band. A
 * slice has two limits; a further point moves the nearer one.
 */
export function withPoint(draft: GateDraft, point: GatePoint, pixel: PixelSize): GateDraft {
  const { points, type } = draft;
  if (isSlice(type) && points.length === 2) {
    const [low, high] = points as readonly [GatePoint, GatePoint];
    return movedPoint(draft, Math.abs(point.x - low.x) < Math.abs(point.x - high.x) ? 0 : 1, point);
  }
  const at = type.endsWith('c') ? sideAt(points, point, pixel) : orderedPlace(points, point);
  return { ...draft, points: points.toSpliced(at, 0, point), selected: at };
}

export function movedPoint(draft: GateDraft, index: number, point: GatePoint): GateDraft {
  const points = draft.points.with(index, point);
  if (draft.type.endsWith('c')) return { ...draft, points, selected: index };
  const sorted = points.toSorted((one, other) => one.x - other.x);
  return { ...draft, points: sorted, selected: sorted.indexOf(point) };
}

export function withoutPoint(draft: GateDraft, index: number): GateDraft {
  if (draft.points[index] === undefined) return draft;
  const points = draft.points.toSpliced(index, 1);
  return { ...draft, points, selected: Math.min(index, points.length - 1) };
}

export function selectNext(draft: GateDraft): GateDraft {
  const { length } = draft.points;
  return { ...draft, selected: length === 0 ? -1 : (draft.selected + 1) % length };
}

/** The point within `reachPx` of a place; undefined without one. */
export function pointNear(
  { points, type }: GateDraft,
  at: GatePoint,
  pixel: PixelSize,
  reachPx: number,
): number | undefined {
  let nearest: number | undefined;
  let least = reachPx;
  points.forEach((point, index) => {
    const [x, y] = [(point.x - at.x) / pixel.x, isSlice(type) ? 0 : (point.y - at.y) / pixel.y];
    const distance = Math.hypot(x, y);
    if (distance > least) return;
    least = distance;
    nearest = index;
  });
  return nearest;
}

/** What SpecTcl still needs; undefined when the draft can be sent. */
export function missingPart({ name, type, points, parameters }: GateDraft): string | undefined {
  if (name.trim() === '') return 'a name';
  if (parameters.some((parameter) => parameter === '')) return 'parameters, which SpecTcl has not named';
  const missing = POINTS_MIN[type] - points.length;
  if (missing > 0) return missing === 1 ? 'one more point' : `${missing} more points`;
  return undefined;
}

/** The gate as SpecTcl will list it. */
export function shapeOf({ name, type, parameters, points }: GateDraft): GateShape {
  const [low = { x: 0 }, high = low] = points;
  return isSlice(type)
    ? { name, type, shape: 'slice', parameters, low: low.x, high: high.x, points: [] }
    : { name, type, shape: type.endsWith('c') ? 'contour' : 'band', parameters, low: 0, high: 0, points };
}

export function editOf({ name, type, parameters, low, high, points }: GateShape): GateEdit {
  return isSlice(type)
    ? { name, type, parameters, low, high }
    : { name, type, parameters, points: points.map(({ x, y }) => ({ x, y })) };
}

/** Whether SpecTcl, which keeps floats, lists the gate as it was sent. */
export function isSameGate(one: GateShape | undefined, other: GateShape | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  const numbers = ({ low, high, points }: GateShape): number[] => [
    low,
    high,
    ...points.flatMap(({ x, y }) => [x, y]),
  ];
  const [first, second] = [numbers(one), numbers(other)];
  const isClose = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a));
  return (
    one.type === other.type &&
    one.parameters.join('\n') === other.parameters.join('\n') &&
    first.length === second.length &&
    first.every((number, index) => isClose(number, second[index] ?? Number.NaN))
  );
}

function isSlice(type: GateEdit['type']): boolean {
  return type.endsWith('s');
}

function orderedPlace(points: readonly GatePoint[], { x }: GatePoint): number {
  const after = points.findIndex((point) => point.x > x);
  return after < 0 ? points.length : after;
}

/** The index in front of which a point goes: into the side of the polygon that is nearest. */
function sideAt(points: readonly GatePoint[], point: GatePoint, pixel: PixelSize): number {
  if (points.length < 3) return points.length;
  let [place, least] = [points.length, Infinity];
  points.forEach((from, index) => {
    const to = points[(index + 1) % points.length] ?? from;
    const distance = distanceToSide(point, from, to, pixel);
    if (distance < least) [place, least] = [index + 1, distance];
  });
  return place;
}

/** In pixels. */
function distanceToSide(point: GatePoint, from: GatePoint, to: GatePoint, pixel: PixelSize): number {
  const [dx, dy] = [(to.x - from.x) / pixel.x, (to.y - from.y) / pixel.y];
  const [px, py] = [(point.x - from.x) / pixel.x, (point.y - from.y) / pixel.y];
  const length = dx * dx + dy * dy;
  const part = length === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / length));
  return Math.hypot(px - part * dx, py - part * dy);
}
