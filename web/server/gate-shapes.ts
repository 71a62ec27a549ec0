/**
 * Gates of SpecTcl as pages draw them. `SourceMetadata` uses it for present gates, `Moment` for
 * recorded ones. Pure.
 */
import type { SpecTclGate } from '../../protocol/spectcl/rest-shapes.js';
import type { GateShape } from '../wire/messages.js';

/** Points of one gate that pages receive. */
const POINTS_MAX = 10_000;
/** SpecTcl's type letters of gates that can be drawn; the others combine gates. */
const SHAPES = { s: 'slice', c: 'contour', b: 'band' } as const;

/** A gate as pages draw it; empty for a type without a shape, or with invalid numbers. */
export function gateShape({ name, type, fields }: SpecTclGate): GateShape[] {
  const shape = type === 's' || type === 'c' || type === 'b' ? SHAPES[type] : undefined;
  if (shape === undefined) return [];
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
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [];
  return [{ name, shape, parameters, low, high, points: points.slice(0, POINTS_MAX) }];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
