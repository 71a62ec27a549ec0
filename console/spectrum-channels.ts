/**
 * The counts of a 1-D spectrum in one publication, with its axis in units: what `mirrorflow fit`
 * and `mirrorflow peaks` work on. Reads the mirror it is given; `axisBins` asks SpecTcl's REST
 * service.
 */
import type { Channels } from '../analysis/channels.js';
import type { Client, Mirror } from '../client-lib/index.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { inRangeChannels } from '../protocol/spectcl/in-range.js';
import { connectSpecTclRest } from '../protocol/spectcl/rest-connection.js';
import { withSpectrum } from './mirrored-spectrum.js';

export interface SpectrumChannels {
  /** The channels in range; under- and overflow are left out. */
  readonly channels: Channels;
  readonly label: string;
  readonly sequence: number;
  readonly timestampNs: number;
}

const REST_TIMEOUT_MS = 3_000;

/**
 * Bins of the x axis by SpecTcl's REST service, which show whether the first and last channel are
 * under- and overflow. Undefined without an answer: then all channels count as in range.
 */
export async function axisBins(client: Client, name: string): Promise<number | undefined> {
  const { source } = await client.appInfo();
  if (source?.startsWith('spectcl:') !== true) return undefined;
  try {
    const rest = await connectSpecTclRest(source, REST_TIMEOUT_MS);
    try {
      return (await rest.spectra()).find((spectrum) => spectrum.name === name)?.axes[0]?.bins;
    } finally {
      rest.close();
    }
  } catch {
    return undefined;
  }
}

/** Throws UNKNOWN_SPECTRUM, and BAD_OPTION for a spectrum of two dimensions. */
export function readChannels(mirror: Mirror, name: string, bins: number | undefined): SpectrumChannels {
  return withSpectrum(mirror, name, ({ binding, counts }, { sequence, timestampNs }) => {
    if (binding.dimensions !== 1) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `the spectrum ${name} has two dimensions; peaks are fitted in spectra of one`,
        { name },
      );
    }
    const { xchans, xmin, xmax, xlabel } = binding;
    const [first, end] = inRangeChannels(xchans, bins);
    // An axis that is not increasing is replaced by channel numbers.
    const hasUnits = Number.isFinite(xmax - xmin) && xmax > xmin;
    return {
      channels: {
        counts: Float64Array.from(counts.subarray(first, end)),
        low: hasUnits ? xmin : 0,
        width: hasUnits ? (xmax - xmin) / (end - first) : 1,
      },
      label: xlabel,
      sequence,
      timestampNs,
    };
  });
}
