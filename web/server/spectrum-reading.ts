/**
 * Reads one 1-D spectrum for a request without a page: waits until the application's watch has its
 * counts, and gives them with their axis. `analysis-requests.ts` calls it. Touches nothing but the
 * watch, which opens and closes the mirror by itself.
 */
import type { Channels } from '../../analysis/channels.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { toUnits, channelWidth, xAxis } from '../view/axis.js';
import type { AppWatch } from './app-watch.js';
import type { CountsSource } from './counts-source.js';
import type { Past } from './past/past.js';
import type { CachedSpectrum } from './spectrum-cache.js';
import { spectrumInfo } from './spectrum-info.js';
import { untilRead } from './watch-wait.js';

export interface ReadSpectrum {
  /** The channels in range, in units of the axis. */
  readonly channels: Channels;
  readonly label: string;
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** Throws UNKNOWN_SPECTRUM, BAD_OPTION for a map, and TIMED_OUT with the state of the source. */
export async function readSpectrum(watch: AppWatch, name: string): Promise<ReadSpectrum> {
  const leave = watch.enter();
  const cached = watch.cache.acquire(name);
  try {
    if (watch.cache.hasUnreadSpectrum) watch.refresh();
    await untilRead(watch, `the spectrum ${name}`, () => cached.version > 0 && watch.metadata.isAnswered);
    return describe(watch.app, watch, cached);
  } finally {
    watch.cache.release(name, performance.now());
    leave();
  }
}

/** As `readSpectrum`, as it was at a moment; throws BAD_OPTION where that is not recorded. */
export function readSpectrumAt(past: Past, app: string, name: string, atMs: number): Promise<ReadSpectrum> {
  return past.withMoment(app, atMs, (moment) => describe(app, moment, moment.acquire(name)));
}

function describe(
  app: string,
  { publication, metadata }: CountsSource,
  { name, binding, counts }: CachedSpectrum,
): ReadSpectrum {
  if (binding === undefined) {
    throw new MirrorflowError('UNKNOWN_SPECTRUM', `there is no spectrum ${JSON.stringify(name)} in ${app}`, {
      name,
    });
  }
  if (binding.dimensions !== 1) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the spectrum ${name} has two dimensions; peaks are fitted in spectra of one`,
      { name },
    );
  }
  const axis = xAxis(spectrumInfo(binding, metadata.spectrum(name)));
  const [first, end] = axis.inRange;
  return {
    channels: {
      counts: Float64Array.from(counts.subarray(first, end)),
      low: toUnits(axis, first),
      width: channelWidth(axis),
    },
    label: binding.xlabel,
    sequence: publication.sequence,
    atMs: publication.atMs,
  };
}
