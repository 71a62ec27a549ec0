/**
 * The counts of one view of a page: present or recorded ones, and the earlier ones that a
 * difference or a rate of the past subtracts. `PageSession` acquires and releases them. Touches
 * nothing but the cache of the watch and `Past`.
 */
import { MOMENTS_MAX, type Subscription } from '../wire/subscription.js';
import type { AppWatch } from './app-watch.js';
import type { CountsSource } from './counts-source.js';
import type { EarlierCounts } from './frames.js';
import { Moment } from './past/moment.js';
import type { Past } from './past/past.js';
import { SpectrumCache, type CachedSpectrum } from './spectrum-cache.js';

export interface ViewCounts {
  /** Equal keys: the same counts of the same moments. */
  readonly key: string;
  readonly source: CountsSource;
  readonly spectrum: CachedSpectrum;
  readonly earlier: { readonly moment: Moment; readonly spectrum: CachedSpectrum } | undefined;
  /** The recorded moments that it uses. */
  readonly moments: readonly Moment[];
  release(): void;
}

export function countsKey({ spectrum, atMs, sinceMs, rateS }: Subscription): string {
  return JSON.stringify([spectrum, atMs, earlierMsOf({ atMs, sinceMs, rateS })]);
}

/** `held`: the moments that the other views of the page use. */
export function acquireCounts(
  subscription: Subscription,
  watch: AppWatch,
  past: Past,
  held: ReadonlySet<Moment>,
): ViewCounts {
  const { spectrum: name, atMs } = subscription;
  const key = countsKey(subscription);
  const { sinceMs } = subscription;
  const isRemembered =
    atMs === undefined && sinceMs !== undefined && watch.moments.find(name, sinceMs) !== undefined;
  const earlierMs = isRemembered ? undefined : earlierMsOf(subscription);
  const momentAt = (ms: number | undefined): Moment | undefined =>
    ms === undefined ? undefined : past.acquire(watch.app, ms);
  const [moment, earlierMoment] = [momentAt(atMs), momentAt(earlierMs)];
  const moments = [moment, earlierMoment].filter((used) => used !== undefined);
  const releaseMoments = (): void => moments.forEach((used) => past.release(used));
  if (new Set([...held, ...moments]).size > MOMENTS_MAX && moments.some((used) => !held.has(used))) {
    releaseMoments();
    return refused(key, name, watch);
  }
  return {
    key,
    source: moment ?? watch,
    spectrum: moment?.acquire(name) ?? watch.cache.acquire(name),
    earlier: earlierMoment && { moment: earlierMoment, spectrum: earlierMoment.acquire(name) },
    moments,
    release: () => {
      if (moment === undefined) watch.cache.release(name, performance.now());
      releaseMoments();
    },
  };
}

/** Why there are no counts; undefined while they are there or are read. */
export function problemOf({ source, earlier }: ViewCounts): string | undefined {
  // Present counts since a moment that is not recorded: the frame says that it is not known.
  return source.problem ?? (source instanceof Moment ? earlier?.moment.problem : undefined);
}

/** Whether the earlier counts are still being read. */
export function isReading({ earlier }: ViewCounts): boolean {
  return earlier?.moment.isSettled === false;
}

/** Undefined where the view subtracts nothing, or what it would subtract is not recorded. */
export function earlierCounts({ earlier }: ViewCounts): EarlierCounts | undefined {
  if (earlier === undefined || earlier.moment.problem !== undefined) return undefined;
  return { spectrum: earlier.spectrum, atMs: earlier.moment.publication.atMs };
}

/** The earlier moment of a rate; in a recording a rate is between two recorded moments. */
function earlierMsOf({
  atMs,
  sinceMs,
  rateS,
}: Pick<Subscription, 'atMs' | 'sinceMs' | 'rateS'>): number | undefined {
  return atMs !== undefined && rateS !== undefined ? atMs - rateS * 1_000 : sinceMs;
}

function refused(key: string, name: string, { publication, metadata }: AppWatch): ViewCounts {
  const cache = new SpectrumCache();
  const problem = `A page shows at most ${MOMENTS_MAX} moments of the recording at once.`;
  return {
    key,
    source: { cache, publication, metadata, gates: [], problem },
    spectrum: cache.acquire(name),
    earlier: undefined,
    moments: [],
    release: () => undefined,
  };
}
