/**
 * How a flow stands with its readers, out of the statistics of its application: how far the slowest
 * is behind, and who holds the writer back. Pure.
 */
import type { ApplicationStatistics } from './figures.js';

export interface FlowStanding {
  /** Who reads, those too who only look at the newest. */
  readonly readers: number;
  /** Buffers that the slowest reader has not acknowledged; undefined when nobody acknowledges. */
  readonly lag: number | undefined;
  /** How full the fullest history of a reader is, 0 to 1; undefined when no reader told. */
  readonly fill: number | undefined;
  /** Who holds the writer back now, each name once. */
  readonly holding: readonly string[];
}

/** Whom the duplicator knows and the app server does not: one that attached by hand. */
const STRANGER = 'a program without a name';

export function standingOf(
  statistics: Pick<ApplicationStatistics, 'clients' | 'flows'>,
  flow: string,
): FlowStanding {
  const links = statistics.flows.find((found) => found.flow === flow)?.links ?? [];
  const lags = links.flatMap(({ role, lag }) => (role === 'consumer' && lag !== undefined ? [lag] : []));
  const fills = statistics.clients
    .flatMap(({ flows }) => flows)
    .filter((usage) => usage.flow === flow && usage.direction === 'input')
    .flatMap(({ ready, capacity = 0 }) => (ready === undefined || capacity === 0 ? [] : [ready / capacity]));
  const holders = links.filter(({ holding }) => holding).map(({ client }) => client ?? STRANGER);
  return {
    readers: links.filter(({ role }) => role !== 'provider').length,
    lag: lags.length === 0 ? undefined : Math.max(...lags),
    fill: fills.length === 0 ? undefined : Math.max(...fills),
    holding: [...new Set(holders)],
  };
}
