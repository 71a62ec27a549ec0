/**
 * The slowest recoveries of a chaos run, each with the faults shortly before it, to help find the
 * cause. Pure.
 */

/** Number of recoveries that are kept. */
const SLOWEST_MAX = 10;
/** Faults in this time before a recovery are reported with it. */
const BEFORE_MS = 5_000;

export interface SlowRecovery {
  /** The kind of fault, `several` for more than one. */
  readonly kind: string;
  readonly ms: number;
  /** Number of faults up to this one. */
  readonly fault: number;
  /** From the start of the run to the end of the fault. */
  readonly atSeconds: number;
  /** Kind and target of each fault that was injected at the same time. */
  readonly hit: readonly string[];
  /** The reader that recovered last. */
  readonly reader: string;
  /**
   * Milliseconds from the end of the fault to the reattachment of that reader; absent when it did
   * not reattach.
   */
  readonly attachedMs?: number | undefined;
  /** Other faults of the last five seconds, oldest first. */
  readonly before: readonly EarlierFault[];
}

export interface EarlierFault {
  readonly hit: string;
  /** From the end of this earlier fault to the end of the later one. */
  readonly msBefore: number;
}

/** A fault that has ended. */
interface DoneFault {
  readonly kind: string;
  readonly target: string;
  /** By performance.now. */
  readonly overAt: number;
}

export class Slowest {
  readonly #done: DoneFault[] = [];
  #slowest: SlowRecovery[] = [];
  #faults = 0;

  /** `hit`: the faults of one recovery. `begunAt`: start of the run, by performance.now. */
  note(
    recovery: Pick<SlowRecovery, 'kind' | 'ms' | 'reader' | 'attachedMs'>,
    hit: readonly DoneFault[],
    begunAt: number,
  ): void {
    const since = Math.max(...hit.map(({ overAt }) => overAt));
    this.#faults += hit.length;
    const before = this.#done.filter(({ overAt }) => since - overAt <= BEFORE_MS);
    this.#done.splice(0, this.#done.length, ...before, ...hit);
    const slow: SlowRecovery = {
      ...recovery,
      ms: Math.round(recovery.ms),
      fault: this.#faults,
      atSeconds: Math.round((since - begunAt) / 100) / 10,
      hit: hit.map(titleOf),
      before: before.map((fault) => ({ hit: titleOf(fault), msBefore: Math.round(since - fault.overAt) })),
    };
    this.#slowest = [...this.#slowest, slow].toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_MAX);
  }

  /** Slowest first. */
  get list(): readonly SlowRecovery[] {
    return this.#slowest;
  }
}

/** One line for a human reader. */
export function describeSlow(slow: SlowRecovery): string {
  const { ms, fault, atSeconds, hit, reader, attachedMs } = slow;
  const attached = attachedMs === undefined ? '' : `, attached after ${attachedMs} ms`;
  return `${ms} ms: ${hit.join(' + ')} (fault ${fault}, at ${atSeconds} s), ${reader} last${attached}`;
}

function titleOf({ kind, target }: DoneFault): string {
  return `${kind} ${target}`;
}
