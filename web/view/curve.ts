/**
 * The curve of one spectrum on the axis of a plot: the values of a frame (the message with the
 * counts of one view) that are visible, where they lie, and how they are shown. Plots compare and
 * draw curves. Pure.
 */
import type { Frame } from '../wire/frame.js';
import type { ChannelRange } from '../wire/ranges.js';
import { IDENTITY_PLACEMENT, type Placement } from './axis.js';

export interface Curve {
  readonly values: Float64Array | Uint8Array | Uint16Array | Uint32Array;
  /** In channels of the axis of the plot: begin of the first value, and width of each. */
  readonly from: number;
  readonly group: number;
  /** Width of one channel of the spectrum, in channels of the plot. */
  readonly channel: number;
  /** Shown are value × `factor` + `shift`. */
  readonly factor: number;
  readonly shift: number;
}

/** A curve of counts with the sum of all channels of its spectrum, as it is shown. */
export interface SpectrumCurve extends Curve {
  readonly sum: number;
}

/** The values of a frame within the visible channels of the plot. */
export function curveOf(
  { head, values }: Frame,
  range: ChannelRange,
  { scale, offset }: Placement = IDENTITY_PLACEMENT,
): SpectrumCurve {
  const group = head.xgroup * scale;
  const start = offset + head.x[0] * scale;
  const first = Math.min(values.length, Math.max(0, Math.floor((range[0] - start) / group)));
  const last = Math.min(values.length, Math.ceil((range[1] - start) / group));
  const factor = shownPerCount(head);
  return {
    values: values.subarray(first, Math.max(first, last)),
    from: start + first * group,
    group,
    channel: scale,
    factor,
    shift: 0,
    sum: head.sum * factor,
  };
}

/** Shown value per count: 1, or one over the seconds that the counts of a rate took. */
export function shownPerCount(head: Frame['head'] | undefined): number {
  const { rateS, spanS = 0 } = head ?? {};
  return rateS === undefined || spanS === 0 ? 1 : 1 / spanS;
}

/** The shown value at a channel of the plot; undefined outside of the curve and in its gaps. */
export function valueAt({ values, from, group, factor, shift }: Curve, channel: number): number | undefined {
  const value = values[Math.floor((channel - from) / group)];
  return value === undefined || Number.isNaN(value) ? undefined : value * factor + shift;
}
