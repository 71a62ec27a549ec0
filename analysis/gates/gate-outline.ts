/**
 * A gate (condition on one or two parameters of an event) as an outline on the axes of a spectrum,
 * and the axes. Used by all files of this room. Types only.
 */

export interface OutlinePoint {
  readonly x: number;
  readonly y: number;
}

/** In units of the axes. */
export interface GateOutline {
  /** SpecTcl's types: slice, band, contour, and the same for gamma spectra. */
  readonly type: 's' | 'b' | 'c' | 'gs' | 'gb' | 'gc';
  /** Limits of a slice. */
  readonly low: number;
  readonly high: number;
  /** Corners of a band or contour. */
  readonly points: readonly OutlinePoint[];
}

/** An axis of stored channels, some of which lie before the first and after the last bin. */
export interface GateAxis {
  readonly channels: number;
  /** The stored channel of the first bin: 1 where the channel before counts underflow. */
  readonly first: number;
  readonly bins: number;
  /** Lower edge of the first bin and upper edge of the last one. */
  readonly low: number;
  readonly high: number;
}

/** The counts of a spectrum, row by row; `y` undefined for one dimension. */
export interface GatedCounts {
  readonly counts: ArrayLike<number>;
  readonly x: GateAxis;
  readonly y?: GateAxis | undefined;
}

/** Bins of one row, from and to both included. */
export type BinRun = readonly [from: number, to: number];

export function binWidth({ low, high, bins }: GateAxis): number {
  return (high - low) / bins;
}

/** The middle of a bin, in units. */
export function middleOf(axis: GateAxis, bin: number): number {
  return axis.low + (bin + 0.5) * binWidth(axis);
}
