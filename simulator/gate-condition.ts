/**
 * Whether an event passes a gate, by the rules of SpecTcl's gate types. Used by event-gating.ts for
 * each event. Pure.
 */

export interface GatePoint {
  readonly x: number;
  readonly y: number;
}

export interface GateDefinition {
  readonly name: string;
  readonly type: string;
  readonly parameters?: readonly string[];
  readonly low?: number;
  readonly high?: number;
  readonly points?: readonly GatePoint[];
  /** Gates that a compound gate combines. */
  readonly gates?: readonly string[];
  /** Bits of a gate on bits. */
  readonly value?: number;
}

export interface ConditionLookup {
  get(name: string): GateDefinition | undefined;
}

/** The value of a parameter in this event; undefined when the event does not have it. */
export type ValueOf = (parameter: string) => number | undefined;

/** Compound gates within compound gates; a circle of gates is false. */
const DEPTH_MAX = 32;

/** False for a gate that does not exist. */
export function passes(gates: ConditionLookup, name: string, valueOf: ValueOf, depth = 0): boolean {
  const gate = gates.get(name);
  if (gate === undefined || depth > DEPTH_MAX) return false;
  const parts = gate.gates ?? [];
  const part = (name: string): boolean => passes(gates, name, valueOf, depth + 1);
  switch (gate.type) {
    case 'T':
      return true;
    case '*':
      return parts.every(part);
    case '+':
      return parts.some(part);
    case '-':
      return !parts.some(part);
    default:
      return passesSimple(gate, valueOf);
  }
}

/** The parameters that a gate and its parts depend on. */
export function parametersOf(gates: ConditionLookup, name: string, depth = 0): ReadonlySet<string> {
  const gate = gates.get(name);
  if (gate === undefined || depth > DEPTH_MAX) return new Set();
  const parameters = new Set(gate.parameters);
  for (const part of gate.gates ?? []) {
    for (const parameter of parametersOf(gates, part, depth + 1)) parameters.add(parameter);
  }
  return parameters;
}

function passesSimple(gate: GateDefinition, valueOf: ValueOf): boolean {
  const { type, parameters = [], low = 0, high = 0, points = [], value: mask = 0 } = gate;
  const values = parameters.map(valueOf);
  const inSlice = (value: number | undefined): boolean =>
    value !== undefined && value >= low && value <= high;
  const isInside = type.endsWith('b') ? isBelow : isInContour;
  const [x, y] = values;
  switch (type) {
    case 's':
      return inSlice(x);
    case 'gs':
      return values.some(inSlice);
    case 'b':
    case 'c':
      return x !== undefined && y !== undefined && isInside(points, x, y);
    case 'gb':
    case 'gc':
      return somePair(values, (x, y) => isInside(points, x, y));
    case 'em':
      return x !== undefined && Math.trunc(x) === mask;
    case 'am':
      return x !== undefined && (Math.trunc(x) & mask) === mask;
    case 'nm':
      return x !== undefined && (Math.trunc(x) & mask) === 0;
    default:
      return false;
  }
}

/** A gamma gate in a plane takes every two parameters of the event, in both orders. */
function somePair(values: readonly (number | undefined)[], test: (x: number, y: number) => boolean): boolean {
  return values.some((x, first) =>
    values.some((y, second) => first !== second && x !== undefined && y !== undefined && test(x, y)),
  );
}

/** A band: on or below the line through its points, between the first and the last. */
function isBelow(points: readonly GatePoint[], x: number, y: number): boolean {
  for (let index = 1; index < points.length; index++) {
    const [from, to] = [points[index - 1], points[index]];
    if (from === undefined || to === undefined) continue;
    const [left, right] = from.x <= to.x ? [from, to] : [to, from];
    if (x < left.x || x > right.x) continue;
    const part = right.x === left.x ? 1 : (x - left.x) / (right.x - left.x);
    if (y <= left.y + part * (right.y - left.y)) return true;
  }
  return false;
}

/** An odd number of sides lies to the left of the point. */
function isInContour(points: readonly GatePoint[], x: number, y: number): boolean {
  let crossings = 0;
  points.forEach((from, index) => {
    const to = points[(index + 1) % points.length] ?? from;
    if (from.y > y === to.y > y) return;
    if (from.x + ((y - from.y) * (to.x - from.x)) / (to.y - from.y) <= x) crossings++;
  });
  return crossings % 2 === 1;
}
