/**
 * A spectrum without its under- and overflow channels, copied out of a display memory, with its
 * axes: what a file holds. The console and the web server save it. Pure.
 */
import type { Binding, Channels } from './display-memory.js';
import { inRangeChannels } from './in-range.js';
import type { SpecTclSpectrum } from './rest-shapes.js';

export interface AxisInRange {
  readonly label: string;
  readonly low: number;
  readonly high: number;
  readonly channels: number;
}

export interface SpectrumInRange {
  readonly name: string;
  readonly type: string;
  readonly x: AxisInRange;
  readonly y?: AxisInRange;
  readonly counts: Channels;
  /** Milliseconds since 1970 of the publication. */
  readonly atMs: number;
}

/** `rest`: what the REST service reports of the spectrum; undefined without an answer. */
export function spectrumInRange(
  binding: Binding,
  counts: Channels,
  rest: SpecTclSpectrum | undefined,
  atMs: number,
): SpectrumInRange {
  const { name, type, dimensions, xchans, ychans, xmin, xmax, ymin, ymax, xlabel, ylabel } = binding;
  const xRange = inRangeChannels(xchans, rest?.axes[0]?.bins);
  const yRange = dimensions === 1 ? ([0, 1] as const) : inRangeChannels(ychans, rest?.axes[1]?.bins);
  const width = xRange[1] - xRange[0];
  const inRange = emptyLike(counts, width * (yRange[1] - yRange[0]));
  for (let row = yRange[0]; row < yRange[1]; row += 1) {
    const from = row * xchans + xRange[0];
    inRange.set(counts.subarray(from, from + width), (row - yRange[0]) * width);
  }
  return {
    name,
    type: type.name,
    x: axisOf(xlabel || (rest?.parameters[0] ?? ''), xmin, xmax, width),
    ...(dimensions === 1
      ? {}
      : { y: axisOf(ylabel || (rest?.parameters[1] ?? ''), ymin, ymax, yRange[1] - yRange[0]) }),
    counts: inRange,
    atMs,
  };
}

/** `slice` of a Buffer would be a view of the display memory, which changes. */
function emptyLike(counts: Channels, length: number): Channels {
  if (counts instanceof Uint32Array) return new Uint32Array(length);
  return counts instanceof Uint16Array ? new Uint16Array(length) : new Uint8Array(length);
}

/** An axis that is not increasing is replaced by channel numbers. */
function axisOf(label: string, low: number, high: number, channels: number): AxisInRange {
  const hasUnits = Number.isFinite(high - low) && high > low;
  return { label, low: hasUnits ? low : 0, high: hasUnits ? high : channels, channels };
}
