/**
 * A reader of the chaos run as its owner sees it: the program (a consumer of a flow, or a display
 * of a mirror), the lines that it reports, and the time of its newest buffer. `ChaosSystem` and the
 * system tests own readers; what a reader delivers is recorded in the `Ledger`. Spawns the program
 * through a `Participant`.
 */
import type { Ledger } from './ledger.js';
import { Participant, type ParticipantOptions } from './participant.js';
import type { ReaderPlan } from './plan.js';

export class Reader {
  readonly plan: ReaderPlan;
  readonly program: Participant;
  readonly #ledger: Ledger;
  readonly #onProblem: (problem: string) => void;
  /** When the newest delivered buffer was written, wall-clock milliseconds. */
  #newestMs = 0;
  #attachedMs = 0;
  /** Where its successor resumes: epoch and next sequence of the newest report. */
  #epoch = '0';
  #sequence = '0';
  /** Sequence of the newest publication since the start of the program; -1 before. */
  #lastPublication = -1;
  /** Checks of running calls of `waitForDelivery`, made for every newer buffer. */
  readonly #watchers = new Set<() => void>();

  constructor(
    plan: ReaderPlan,
    ledger: Ledger,
    processOptions: Omit<ParticipantOptions, 'name' | 'script' | 'args' | 'onLine'>,
    onProblem: (problem: string) => void,
  ) {
    const { name, app, flow, mode } = plan;
    this.plan = plan;
    this.#ledger = ledger;
    this.#onProblem = onProblem;
    const isDisplay = mode === 'publications' || mode === 'image';
    if (!isDisplay) ledger.addReader(name, `${app}/${flow}`, mode === 'lossless');
    this.program = new Participant({
      ...processOptions,
      name,
      script: `test/chaos/programs/${isDisplay ? 'mirror-reader' : 'consumer'}.js`,
      args: () => (isDisplay ? [app, mode] : [app, flow, mode, this.#epoch, this.#sequence]),
      onLine: (line) => this.#onLine(line),
    });
  }

  /**
   * Waits for the delivery of a buffer that was written after `sinceMs` (wall clock) and, with
   * `attachedSinceMs`, after the reader was attached to a duplicator later than that. Resolves with
   * the time of the delivery in milliseconds of performance.now; undefined when `deadlineMs`
   * milliseconds pass first.
   */
  waitForDelivery(sinceMs: number, deadlineMs: number, attachedSinceMs = 0): Promise<number | undefined> {
    return new Promise((resolve) => {
      const check = (): void => {
        const newerThanMs = attachedSinceMs > 0 ? Math.max(sinceMs, this.#attachedMs) : sinceMs;
        if (this.#newestMs <= newerThanMs || this.#attachedMs < attachedSinceMs) return;
        settle(performance.now());
      };
      const settle = (at: number | undefined): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        resolve(at);
      };
      const timer = setTimeout(() => settle(undefined), deadlineMs);
      this.#watchers.add(check);
      check();
    });
  }

  /** When the reader was last attached to a duplicator, wall-clock milliseconds; 0 before that. */
  get attachedMs(): number {
    return this.#attachedMs;
  }

  /**
   * Kills the program; resolves when its successor was started, which resumes at the same buffer.
   */
  async killAndRestart(): Promise<void> {
    await this.program.kill();
    this.restart();
  }

  /** Starts the program again after it has ended. */
  restart(): void {
    if (this.plan.mode === 'lossless' || this.plan.mode === 'lossy')
      this.#ledger.recordRestart(this.plan.name);
    this.#lastPublication = -1;
    this.program.start();
  }

  /**
   * Handles a line of the program, words separated by spaces: `D` buffers delivered (run, first and
   * last number, epoch and sequence to resume at, time written), `M` publication delivered (epoch,
   * sequence, time written), `A` attached to a duplicator, `T` torn buffer, `N` other problem.
   */
  #onLine(line: string): void {
    const [kind, ...words] = line.split(' ');
    if (kind === 'D') {
      const [run, first, last, epoch = '0', sequence = '0', writtenMs] = words;
      this.#ledger.recordDelivered(this.plan.name, {
        run: Number(run),
        first: Number(first),
        last: Number(last),
      });
      this.#epoch = epoch;
      this.#sequence = sequence;
      this.#recordNewest(Number(writtenMs));
    } else if (kind === 'M') {
      const [epoch = '0', sequence, writtenMs] = words;
      const repeated = epoch !== '0' && epoch === this.#epoch && Number(sequence) <= this.#lastPublication;
      this.#epoch = epoch;
      this.#lastPublication = Number(sequence);
      this.#ledger.recordPublication(this.plan.name, repeated);
      this.#recordNewest(Number(writtenMs));
    } else if (kind === 'A') {
      this.#attachedMs = Date.now();
    } else if (kind === 'T') {
      this.#ledger.recordTorn(this.plan.name, words.join(' '));
    } else if (kind === 'N') {
      this.#onProblem(`${this.plan.name}: ${words.join(' ')}`);
    }
  }

  #recordNewest(writtenMs: number): void {
    if (writtenMs <= this.#newestMs) return;
    this.#newestMs = writtenMs;
    for (const check of this.#watchers) check();
  }
}
