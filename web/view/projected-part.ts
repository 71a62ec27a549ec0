/**
 * The part of a map that a projection sums: inside a gate of SpecTcl or inside a contour that the
 * user has drawn; its words in the address of the page and in titles, and its outline in channels,
 * which the server is asked for. Pure.
 */
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import { CONTOUR_POINTS_MAX, type ChannelOutline, type ContourPoint } from '../wire/subscription.js';
import { toChannel, xAxis, yAxis } from './axis.js';
import { gatesOn } from './gates-on.js';

/** The contour is in stored channels, which may be fractional. */
export type ProjectedPart = { readonly gate: string } | { readonly contour: readonly ContourPoint[] };

/** In the address: digits behind the point of a channel. */
const CHANNEL_DIGITS = 2;
const CORNERS_LEAST = 3;

/** The outline in channels of a map; undefined while the gate does not exist on its parameters. */
export function outlineOf(
  part: ProjectedPart,
  info: SpectrumInfo,
  gates: readonly GateShape[],
): ChannelOutline | undefined {
  if ('contour' in part) return { shape: 'contour', points: part.contour };
  const gate = gatesOn(info, undefined, gates).find(({ name }) => name === part.gate);
  if (gate === undefined || gate.shape === 'slice') return undefined;
  const [x, y] = [xAxis(info), yAxis(info)];
  const points = gate.points.map((point) => ({ x: toChannel(x, point.x), y: toChannel(y, point.y) }));
  return { shape: gate.shape, points };
}

/** As a title says it: within gate G, within a contour of 4 points. */
export function partText(part: ProjectedPart): string {
  return 'gate' in part ? `within gate ${part.gate}` : `within a contour of ${part.contour.length} points`;
}

export function partSettings(part: ProjectedPart | undefined): string[] {
  if (part === undefined) return [];
  if ('gate' in part) return [`k=gate,${encodeURIComponent(part.gate)}`];
  return [`k=${part.contour.flatMap(({ x, y }) => [short(x), short(y)]).join(',')}`];
}

/** Undefined for anything that is neither a gate nor a contour. */
export function parsePart(text: string | undefined): ProjectedPart | undefined {
  const [word = '', ...rest] = (text ?? '').split(',');
  if (word === 'gate') {
    const gate = decoded(rest.join(','));
    return gate === '' ? undefined : { gate };
  }
  const contour = parseContour([word, ...rest].join(','));
  return contour === undefined ? undefined : { contour };
}

/** Corners as x,y,x,y,…; undefined for less than three or too many, and for anything else. */
export function parseContour(text: string): readonly ContourPoint[] | undefined {
  const words = text.split(/[\s,;]+/).filter((word) => word !== '');
  const numbers = words.map(Number);
  const corners = numbers.length / 2;
  if (!Number.isInteger(corners) || corners < CORNERS_LEAST || corners > CONTOUR_POINTS_MAX) return undefined;
  if (numbers.some((number) => !Number.isFinite(number))) return undefined;
  return Array.from({ length: corners }, (_, index) => ({
    x: short(numbers[2 * index] ?? 0),
    y: short(numbers[2 * index + 1] ?? 0),
  }));
}

function short(channel: number): number {
  // Adding 0 turns -0 into 0.
  return Number(channel.toFixed(CHANNEL_DIGITS)) + 0;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}
