/**
 * Converts the bindings of a display header to the JSON shapes of SpecTcl's REST service.
 *
 * `local-requests.ts` calls it. A binding describes a spectrum in the header of the display memory:
 * name, axes, channels. Pure: no I/O.
 */
import type { Binding } from '../../client-lib/index.js';

const CHANNEL_NAMES = { 1: 'byte', 2: 'word', 4: 'long' } as const;
/** SpecTcl keeps an under- and an overflow channel at the ends of each axis. */
const EDGE_CHANNELS = 2;

export interface AxisDetail {
  readonly low: number;
  readonly high: number;
  readonly bins: number;
}

export interface SpectrumDetail {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly parameters: readonly string[];
  readonly axes: readonly AxisDetail[];
  readonly xaxis: AxisDetail | undefined;
  readonly yaxis: AxisDetail | null;
  readonly chantype: string;
  readonly gate: null;
}

/** A spectrum from the header alone, which has neither its parameters nor its gate. */
export function spectrumDetail(binding: Binding): SpectrumDetail {
  const axes = [axis(binding.xmin, binding.xmax, binding.xchans)];
  if (binding.dimensions === 2) axes.push(axis(binding.ymin, binding.ymax, binding.ychans));
  return {
    id: binding.slot,
    name: binding.name,
    type: String(binding.dimensions),
    parameters: [],
    axes,
    xaxis: axes[0],
    yaxis: axes[1] ?? null,
    chantype: CHANNEL_NAMES[binding.type.bytesPerChannel],
    gate: null,
  };
}

/** `spectrumid` is SpecTcl's number of the spectrum, or its slot when `id` is undefined. */
export function bindingDetail(
  { name, slot }: Binding,
  id: number | undefined,
): { readonly spectrumid: number; readonly name: string; readonly binding: number } {
  return { spectrumid: id ?? slot, name, binding: slot };
}

export function statisticsDetail({ name, dimensions, underflows, overflows }: Binding): {
  readonly name: string;
  readonly underflows: readonly number[];
  readonly overflows: readonly number[];
} {
  return { name, underflows: underflows.slice(0, dimensions), overflows: overflows.slice(0, dimensions) };
}

function axis(low: number, high: number, channels: number): AxisDetail {
  return { low, high, bins: Math.max(1, channels - EDGE_CHANNELS) };
}
