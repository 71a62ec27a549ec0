/**
 * Where a channel lies across a plot, as a share of its width, and back: evenly, or on a
 * logarithmic axis by the logarithm of the distance from the channel that is 0 of the axis.
 * `plot-area.ts` of the page turns shares into pixels. Pure.
 */
import type { ChannelRange } from '../wire/ranges.js';

/** A logarithmic axis begins this far from its 0, where its range does not begin later. */
const LEAST_DISTANCE = 0.5;

/** The channel where a logarithmic axis has its 0; undefined for an even axis. */
export type LogOrigin = number | undefined;

/** Undefined where the range has no part above the origin, so that it cannot be logarithmic. */
export function usableOrigin(origin: number, [, end]: ChannelRange): LogOrigin {
  return Number.isFinite(origin) && end - origin > LEAST_DISTANCE ? origin : undefined;
}

/** 0 at the beginning of the range, 1 at its end. */
export function shareOfChannel(channel: number, range: ChannelRange, origin: LogOrigin): number {
  if (origin === undefined) return (channel - range[0]) / (range[1] - range[0]);
  const { first, span } = logSpan(range, origin);
  return (Math.log(Math.max(LEAST_DISTANCE, channel - origin)) - first) / span;
}

export function channelAtShare(share: number, range: ChannelRange, origin: LogOrigin): number {
  if (origin === undefined) return range[0] + share * (range[1] - range[0]);
  const { first, span } = logSpan(range, origin);
  return origin + Math.exp(first + share * span);
}

/** The channel at the left end, which on a logarithmic axis may be behind the range's first. */
export function leftChannel(range: ChannelRange, origin: LogOrigin): number {
  return origin === undefined ? range[0] : Math.max(range[0], origin + LEAST_DISTANCE);
}

function logSpan(range: ChannelRange, origin: number): { first: number; span: number } {
  const first = Math.log(leftChannel(range, origin) - origin);
  return { first, span: Math.log(range[1] - origin) - first };
}
