/**
 * Summarizes the readers of a flow from the statistics of its application: their number, the lag of
 * the slowest one, and the clients that hold the writer back. Shown by the console and the web
 * viewer. Pure.
 */
import type { ApplicationStatistics } from './statistics.js';

export interface ReaderSummary {
  /** Consumers, including observers, which read only the newest buffer. */
  readonly readers: number;
  /**
   * Buffers not acknowledged by the slowest consumer; undefined without acknowledging consumers.
   */
  readonly lag: number | undefined;
  /** Fill of the fullest history of a reader, 0 to 1; undefined if no reader reported one. */
  readonly fill: number | undefined;
  /** Names of the clients that hold the writer back now, each once. */
  readonly holding: readonly string[];
}

/** A client on the signal link that is not registered at the app server. */
const UNREGISTERED_CLIENT = 'a program without a name';

export function summarizeReaders(
  statistics: Pick<ApplicationStatistics, 'clients' | 'flows'>,
  flow: string,
): ReaderSummary {
  const links = statistics.flows.find((figures) => figures.flow === flow)?.links ?? [];
  const lags = links.flatMap(({ role, lag }) => (role === 'consumer' && lag !== undefined ? [lag] : []));
  const fills = statistics.clients
    .flatMap(({ flows }) => flows)
    .filter((usage) => usage.flow === flow && usage.direction === 'input')
    .flatMap(({ ready, capacity = 0 }) => (ready === undefined || capacity === 0 ? [] : [ready / capacity]));
  const holders = links.filter(({ holding }) => holding).map(({ client }) => client ?? UNREGISTERED_CLIENT);
  return {
    readers: links.filter(({ role }) => role !== 'provider').length,
    lag: lags.length === 0 ? undefined : Math.max(...lags),
    fill: fills.length === 0 ? undefined : Math.max(...fills),
    holding: [...new Set(holders)],
  };
}
