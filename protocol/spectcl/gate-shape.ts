/**
 * The gates of a SpecTcl that can be drawn on the axes of a spectrum, read from its list of gates,
 * and on which spectra each can be drawn. The web server, its pages and the console call it. Pure.
 */
import type { SpecTclGate } from './rest-shapes.js';

export interface GateShape {
  readonly name: string;
  /** SpecTcl's letters; those with `g` are gates of gamma spectra, on any number of parameters. */
  readonly type: 's' | 'b' | 'c' | 'gs' | 'gb' | 'gc';
  readonly shape: 'slice' | 'contour' | 'band';
  readonly parameters: readonly string[];
  /** Limits of a slice, in the units of its parameter; 0 for a contour or band. */
  readonly low: number;
  readonly high: number;
  /** Corners of a contour or band, in the units of its parameters; empty for a slice. */
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** Most points that are kept of one gate. */
const POINTS_MAX = 10_000;

const SHAPES: ReadonlyMap<string, Pick<GateShape, 'type' | 'shape'>> = new Map([
  ['s', { type: 's', shape: 'slice' }],
  ['gs', { type: 'gs', shape: 'slice' }],
  ['c', { type: 'c', shape: 'contour' }],
  ['gc', { type: 'gc', shape: 'contour' }],
  ['b', { type: 'b', shape: 'band' }],
  ['gb', { type: 'gb', shape: 'band' }],
]);

/**
 * The shape of a gate of SpecTcl. Undefined for a type that combines gates or tests bits, and for a
 * gate with invalid numbers.
 */
export function gateShape({ name, type, fields }: SpecTclGate): GateShape | undefined {
  const shape = SHAPES.get(type);
  if (shape === undefined) return undefined;
  const parameters = listOf(fields['parameters']).flatMap((parameter) => {
    const parameterName: unknown = isFields(parameter) ? parameter['name'] : parameter;
    return typeof parameterName === 'string' ? [parameterName] : [];
  });
  const points = listOf(fields['points']).flatMap((point) => {
    if (!isFields(point)) return [];
    const [x, y] = [Number(point['x']), Number(point['y'])];
    return Number.isFinite(x) && Number.isFinite(y) ? [{ x, y }] : [];
  });
  const [low, high] = [Number(fields['low'] ?? 0), Number(fields['high'] ?? 0)];
  if (!Number.isFinite(low) || !Number.isFinite(high)) return undefined;
  return { name, ...shape, parameters, low, high, points: points.slice(0, POINTS_MAX) };
}

/**
 * Whether a gate can be drawn on axes of these parameters: a slice on one axis, the others on two.
 * A gamma gate is drawn on axes of any of its parameters.
 */
export function isDrawnOn(
  { type, shape, parameters }: GateShape,
  axes: readonly (string | undefined)[],
): boolean {
  if (axes.length !== (shape === 'slice' ? 1 : 2)) return false;
  return axes.every((axis, index) =>
    type.startsWith('g') ? axis !== undefined && parameters.includes(axis) : parameters[index] === axis,
  );
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
