/**
 * The counts of a 1-D spectrum in one publication, with its axis in units: what `mirrorflow fit`
 * and `mirrorflow peaks` work on. Reads the mirror it is given; `axisBins` asks SpecTcl's REST
 * service.
 */
import type { Channels } from '../analysis/channels.js';
import type { Client, Mirror } from '../client-lib/index.js';
import { axisBinsOf } from '../protocol/spectcl/axis-bins.js';
import { countsInRange } from '../protocol/spectcl/counts-in-range.js';
import { withSpectrum } from './mirrored-spectrum.js';

export interface SpectrumChannels {
  /** The channels in range; under- and overflow are left out. */
  readonly channels: Channels;
  readonly label: string;
  readonly sequence: number;
  readonly timestampNs: number;
}

/**
 * Bins of the x axis by SpecTcl's REST service, which show whether the first and last channel are
 * under- and overflow. Undefined without an answer: then all channels count as in range.
 */
export async function axisBins(client: Client, name: string): Promise<number | undefined> {
  const { source } = await client.appInfo();
  return axisBinsOf(source, name);
}

/** Throws UNKNOWN_SPECTRUM, and BAD_OPTION for a spectrum of two dimensions. */
export function readChannels(mirror: Mirror, name: string, bins: number | undefined): SpectrumChannels {
  return withSpectrum(mirror, name, ({ binding, counts }, { sequence, timestampNs }) => {
    return { channels: countsInRange(binding, counts, bins), label: binding.xlabel, sequence, timestampNs };
  });
}
