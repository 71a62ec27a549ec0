/**
 * Short texts about the flows and clients of the network page: problems, rates, lag. A flow is a
 * ring of buffers in shared memory with one writer; its readers acknowledge buffers and may keep a
 * history of their own. Used by the boxes and the details of the page. Pure.
 */
import { formatByteRate, formatCount, formatDuration, formatRate } from '../../plotting/numbers.js';
import type { NetworkApplication, NetworkClient, NetworkFlow, NetworkUsage } from '../wire/network.js';

/** Seconds without data after which a live source is shown as quiet; half a second is normal. */
const QUIET_S = 3;

/**
 * The state of an application in the picture: `shown` is what the header has for it; undefined for
 * an application that the header does not show.
 */
export function applicationStateText(
  { state, flows }: Pick<NetworkApplication, 'state' | 'flows'>,
  shown: string | undefined,
): string {
  if (state !== 'running') return state;
  if (shown !== undefined) return shown;
  return flows.some(({ sourceState }) => sourceState === 'stale') ? 'stale' : state;
}

/** The most important problem of a flow; undefined without any. */
export function flowProblem({ state, sourceState, holding, quietS }: NetworkFlow): string | undefined {
  if (state !== 'running') return state;
  const since = quietS === undefined || quietS < 1 ? '' : ` for ${formatDuration(quietS * 1_000)}`;
  if (sourceState === 'stale' || sourceState === 'ended') return `${sourceState}${since}`;
  if (holding.length > 0) return `held back by ${holding.join(', ')}`;
  return undefined;
}

/** `9.8/s · 1.2 MiB/s`, or the time without data. */
export function flowRateText({ rates, quietS }: NetworkFlow): string {
  const { published, publishedBytes } = rates;
  if (published === 0 && quietS !== undefined && quietS >= QUIET_S)
    return `no data for ${formatDuration(quietS * 1_000)}`;
  if (published === undefined) return '…';
  const bytes = publishedBytes === undefined ? '' : ` · ${formatByteRate(publishedBytes)}`;
  return `${formatRate(published)}${bytes}`;
}

/** The lag of the slowest reader, in buffers of the ring. */
export function flowLagText({ readers, lag, buffers }: NetworkFlow): string {
  if (readers === 0) return 'no reader';
  if (lag === undefined) return `${readers === 1 ? 'one reader' : `${readers} readers`}, newest buffer only`;
  if (lag === 0) return 'readers up to date';
  const ring = buffers === undefined ? '' : ` of ${formatCount(buffers)}`;
  return `slowest reader ${formatCount(lag)}${ring} behind`;
}

/** The part of the ring that the slowest reader has not acknowledged, 0 to 1. */
export function flowLagRatio({ lag, buffers }: NetworkFlow): number | undefined {
  return lag === undefined
    ? undefined
    : fillRatio({ ready: lag, ...(buffers === undefined ? {} : { capacity: buffers }) });
}

/** The use of a flow to show for a client: one that holds the writer back, else the fullest. */
export function mostLoadedUsage(client: NetworkClient): NetworkUsage | undefined {
  const rank = (usage: NetworkUsage): number => (usage.holding === true ? 2 : 0) + (fillRatio(usage) ?? 0);
  return client.flows.toSorted((one, other) => rank(other) - rank(one))[0];
}

/** `history 12 of 16 · 3 behind`. */
export function usageSummary({ direction, ready, capacity, lag, queued, paused }: NetworkUsage): string {
  const parts = [
    paused === true ? 'paused' : undefined,
    direction === 'input' && ready !== undefined && capacity !== undefined
      ? `history ${formatCount(ready)} of ${formatCount(capacity)}`
      : undefined,
    direction === 'input' && lag !== undefined ? `${formatCount(lag)} behind` : undefined,
    direction === 'output'
      ? `writes${queued === undefined || queued === 0 ? '' : `, ${formatCount(queued)} wait`}`
      : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(' · ') || 'reads';
}

/** All figures of a use of a flow. */
export function usageDetails(usage: NetworkUsage): string {
  const { delivery, holding, buffersPerSecond, bytesPerSecond, lost } = usage;
  const parts = [
    usageSummary(usage),
    delivery,
    holding === true ? 'holds the writer back' : undefined,
    buffersPerSecond === undefined || bytesPerSecond === undefined
      ? undefined
      : `${formatRate(buffersPerSecond)}, ${formatByteRate(bytesPerSecond)}`,
    lost === undefined || lost === 0 ? undefined : `${formatCount(lost)} lost`,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}

/** Filled part of a history or ring, 0 to 1; undefined when a figure is missing. */
export function fillRatio({ ready, capacity }: Pick<NetworkUsage, 'ready' | 'capacity'>): number | undefined {
  if (ready === undefined || capacity === undefined || capacity === 0) return undefined;
  return Math.min(1, ready / capacity);
}
