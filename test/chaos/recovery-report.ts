/**
 * The recovery figures of a chaos report: times by kind of fault, and the slowest recoveries with
 * the faults shortly before each, which is where to look for a cause. `run.ts` records every
 * recovery here. Pure: no I/O; times come in as parameters. A recovery is the time from the end of
 * a fault until every reader that the fault concerns has delivered a newer buffer.
 */
import { median } from '../../bench/report.js';

/** Milliseconds. */
export interface Recovery {
  readonly median: number;
  readonly worst: number;
}

export class RecoveryTimes {
  readonly #timesMs = new Map<string, number[]>();

  record(kind: string, ms: number): void {
    const times = this.#timesMs.get(kind) ?? [];
    this.#timesMs.set(kind, times);
    times.push(ms);
  }

  /** By kind in alphabetical order, then `all` together; empty without recoveries. */
  summary(): Record<string, Recovery> {
    const all = [...this.#timesMs.values()].flat();
    const rows = [...this.#timesMs].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      [...rows, ...(all.length > 0 ? [['all', all] as const] : [])].map(([kind, times]) => [
        kind,
        { median: Math.round(median(times)), worst: Math.round(Math.max(...times)) },
      ]),
    );
  }
}

/** Entries of the list of slowest recoveries. */
const SLOWEST_MAX = 10;
/** Faults within this time before a recovery may have contributed to it. */
const RECENT_MS = 5_000;

/** A recovery as the JSON report shows it. */
export interface SlowRecovery {
  /** As in the times by kind. */
  readonly kind: string;
  readonly ms: number;
  /** Faults injected so far, with the faults of this recovery. */
  readonly fault: number;
  /** Seconds from the start of the run to the end of the fault. */
  readonly atSeconds: number;
  /** Kind and target of each fault; several when they were injected at the same time. */
  readonly hit: readonly string[];
  /** The reader that recovered last. */
  readonly reader: string;
  /**
   * Milliseconds until that reader was attached to a new duplicator; absent when the reader stayed
   * attached.
   */
  readonly attachedMs?: number | undefined;
  /** Other faults of the last five seconds, oldest first. */
  readonly before: readonly EarlierFault[];
}

export interface EarlierFault {
  readonly hit: string;
  /** Milliseconds from the end of the earlier fault to the end of this one. */
  readonly msBefore: number;
}

interface FinishedFault {
  readonly kind: string;
  readonly target: string;
  /** Milliseconds of performance.now. */
  readonly overAt: number;
}

export class SlowestRecoveries {
  readonly #recentFaults: FinishedFault[] = [];
  #slowest: SlowRecovery[] = [];
  #faultCount = 0;

  /**
   * `hit` are the faults of this recovery, all injected at the same time; `begunAt` is the start of
   * the run, milliseconds of performance.now.
   */
  record(
    recovery: Pick<SlowRecovery, 'kind' | 'ms' | 'reader' | 'attachedMs'>,
    hit: readonly FinishedFault[],
    begunAt: number,
  ): void {
    const since = Math.max(...hit.map(({ overAt }) => overAt));
    this.#faultCount += hit.length;
    const before = this.#recentFaults.filter(({ overAt }) => since - overAt <= RECENT_MS);
    this.#recentFaults.splice(0, this.#recentFaults.length, ...before, ...hit);
    const slow: SlowRecovery = {
      ...recovery,
      ms: Math.round(recovery.ms),
      fault: this.#faultCount,
      atSeconds: Math.round((since - begunAt) / 100) / 10,
      hit: hit.map(formatFault),
      before: before.map((fault) => ({
        hit: formatFault(fault),
        msBefore: Math.round(since - fault.overAt),
      })),
    };
    this.#slowest = [...this.#slowest, slow].toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_MAX);
  }

  /** Slowest first. */
  get list(): readonly SlowRecovery[] {
    return this.#slowest;
  }
}

/** One line of text. */
export function formatSlowRecovery(slow: SlowRecovery): string {
  const { ms, fault, atSeconds, hit, reader, attachedMs } = slow;
  const attached = attachedMs === undefined ? '' : `, attached after ${attachedMs} ms`;
  return `${ms} ms: ${hit.join(' + ')} (fault ${fault}, at ${atSeconds} s), ${reader} last${attached}`;
}

function formatFault({ kind, target }: FinishedFault): string {
  return `${kind} ${target}`;
}
