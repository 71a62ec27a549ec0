/**
 * The slowest recoveries of a run, each with what had been done shortly before it: where to look
 * for a cause. Pure.
 */

/** So many are kept. */
const SLOWEST_MAX = 10;
/** Faults in this time before a recovery began may have to do with it. */
const BEFORE_MS = 5_000;

export interface SlowRecovery {
  /** As in the times by kind. */
  readonly kind: string;
  readonly ms: number;
  /** Faults that had been done by then, those of this recovery among them. */
  readonly fault: number;
  /** From the start of the run until those who were hit could go on. */
  readonly atSeconds: number;
  /** What was done to whom, several when they were hit at the same time. */
  readonly hit: readonly string[];
  /** The reader that was back last. */
  readonly reader: string;
  /**
   * Milliseconds after which that reader was attached to a duplicator anew; left out when it was
   * not.
   */
  readonly attachedMs?: number | undefined;
  /** What else had been done in the last five seconds, oldest first. */
  readonly before: readonly EarlierFault[];
}

export interface EarlierFault {
  readonly hit: string;
  /** From when it was over, until those who were hit now could go on. */
  readonly msBefore: number;
}

/** A fault that is over. */
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

  /**
   * Those of one recovery: they were done at the same time. `begunAt`: of the run, by
   * performance.now.
   */
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

/** A line for people. */
export function slowInWords(slow: SlowRecovery): string {
  const { ms, fault, atSeconds, hit, reader, attachedMs } = slow;
  const attached = attachedMs === undefined ? '' : `, attached after ${attachedMs} ms`;
  return `${ms} ms: ${hit.join(' + ')} (fault ${fault}, at ${atSeconds} s), ${reader} last${attached}`;
}

function titleOf({ kind, target }: DoneFault): string {
  return `${kind} ${target}`;
}
