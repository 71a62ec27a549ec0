/** How flows and clients of the network stand, in a few words. Pure. */
import { formatByteRate, formatCount, formatDuration, formatRate } from '../../plotting/numbers.js';
import type { NetworkClient, NetworkFlow, NetworkUsage } from '../wire/messages.js';

/**
 * A live source that brought nothing for so long is told; a mirror may be idle for half a second.
 */
const QUIET_S = 3;

/** What is wrong with a flow, most important first; undefined when nothing is. */
export function troubleOf({ state, sourceState, holding, quietS }: NetworkFlow): string | undefined {
  if (state !== 'running') return state;
  const since = quietS === undefined || quietS < 1 ? '' : ` for ${formatDuration(quietS * 1_000)}`;
  if (sourceState === 'stale' || sourceState === 'ended') return `${sourceState}${since}`;
  if (holding.length > 0) return `held back by ${holding.join(', ')}`;
  return undefined;
}

/** What comes in: `9.8/s · 1.2 MiB/s`, or since when nothing does. */
export function rateOf({ rates, quietS }: NetworkFlow): string {
  const { published, publishedBytes } = rates;
  if (published === 0 && quietS !== undefined && quietS >= QUIET_S)
    return `nothing new for ${formatDuration(quietS * 1_000)}`;
  if (published === undefined) return '…';
  const bytes = publishedBytes === undefined ? '' : ` · ${formatByteRate(publishedBytes)}`;
  return `${formatRate(published)}${bytes}`;
}

/** How far the slowest reader is behind, in so many buffers of the ring. */
export function lagOf({ readers, lag, buffers }: NetworkFlow): string {
  if (readers === 0) return 'no reader';
  if (lag === undefined) return `${readers === 1 ? 'one reader has' : `${readers} readers have`} the newest`;
  if (lag === 0) return 'readers have all';
  const ring = buffers === undefined ? '' : ` of ${formatCount(buffers)}`;
  return `slowest reader ${formatCount(lag)}${ring} behind`;
}

/** The part of the ring that the slowest reader has not acknowledged, 0 to 1. */
export function lagShare({ lag, buffers }: NetworkFlow): number | undefined {
  return lag === undefined
    ? undefined
    : fillOf({ ready: lag, ...(buffers === undefined ? {} : { capacity: buffers }) });
}

/** The flow of a client that is worst off: who holds back first, then the fullest history. */
export function worstOf(client: NetworkClient): NetworkUsage | undefined {
  const rank = (usage: NetworkUsage): number => (usage.holding === true ? 2 : 0) + (fillOf(usage) ?? 0);
  return client.flows.toSorted((one, other) => rank(other) - rank(one))[0];
}

/** `history 12 of 16 · 3 behind`. */
export function usageShort({ direction, ready, capacity, lag, queued, paused }: NetworkUsage): string {
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

/** Everything that is known of it. */
export function usageLong(usage: NetworkUsage): string {
  const { delivery, holding, buffersPerSecond, bytesPerSecond, lost } = usage;
  const parts = [
    usageShort(usage),
    delivery,
    holding === true ? 'holds the writer back' : undefined,
    buffersPerSecond === undefined || bytesPerSecond === undefined
      ? undefined
      : `${formatRate(buffersPerSecond)}, ${formatByteRate(bytesPerSecond)}`,
    lost === undefined || lost === 0 ? undefined : `${formatCount(lost)} lost`,
  ];
  return parts.filter((part) => part !== undefined && part !== '').join(' · ');
}

/** How full it is, 0 to 1; undefined when that is not known. */
export function fillOf({ ready, capacity }: Pick<NetworkUsage, 'ready' | 'capacity'>): number | undefined {
  if (ready === undefined || capacity === undefined || capacity === 0) return undefined;
  return Math.min(1, ready / capacity);
}
