/**
 * A reader of a chaos run or a system test: its program, what the program has reported, and when it
 * has received new buffers after a fault. Enters deliveries into the ledger.
 */
import type { Ledger } from './ledger.js';
import { Participant, type ParticipantOptions } from './participant.js';
import type { ReaderPlan } from './plan.js';

export class Reader {
  readonly plan: ReaderPlan;
  readonly program: Participant;
  readonly #ledger: Ledger;
  readonly #note: (what: string) => void;
  /** When the newest delivered buffer was written, wall-clock milliseconds. */
  #newestMs = 0;
  #attachedMs = 0;
  #epoch = '0';
  #sequence = '0';
  #lastPublication = -1;
  readonly #watchers = new Set<() => void>();

  constructor(
    plan: ReaderPlan,
    ledger: Ledger,
    program: Omit<ParticipantOptions, 'name' | 'script' | 'args' | 'line'>,
    note: (what: string) => void,
  ) {
    const { name, app, flow, mode } = plan;
    this.plan = plan;
    this.#ledger = ledger;
    this.#note = note;
    const display = mode === 'publications' || mode === 'image';
    if (!display) ledger.reader(name, `${app}/${flow}`, mode === 'lossless');
    this.program = new Participant({
      ...program,
      name,
      script: `test/chaos/programs/${display ? 'mirror-reader' : 'consumer'}.js`,
      args: () => (display ? [app, mode] : [app, flow, mode, this.#epoch, this.#sequence]),
      line: (line) => this.#onLine(line),
    });
  }

  /**
   * Resolves with the time (performance.now) at which the reader has delivered a buffer written
   * after `sinceMs`; undefined after the deadline. With `attachedSinceMs`, the reader must also
   * have attached to a duplicator after that. Both are wall-clock milliseconds.
   */
  backSince(sinceMs: number, deadlineMs: number, attachedSinceMs = 0): Promise<number | undefined> {
    return new Promise((resolve) => {
      const check = (): void => {
        const from = attachedSinceMs > 0 ? Math.max(sinceMs, this.#attachedMs) : sinceMs;
        if (this.#newestMs <= from || this.#attachedMs < attachedSinceMs) return;
        end(performance.now());
      };
      const end = (at: number | undefined): void => {
        clearTimeout(timer);
        this.#watchers.delete(check);
        resolve(at);
      };
      const timer = setTimeout(() => end(undefined), deadlineMs);
      this.#watchers.add(check);
      check();
    });
  }

  /** When the reader last attached to a duplicator, wall-clock milliseconds; 0: never. */
  get attachedMs(): number {
    return this.#attachedMs;
  }

  /**
   * Kills the program and restarts it at its last position. Resolves when it was restarted.
   */
  async killAndRestart(): Promise<void> {
    await this.program.kill();
    this.restart();
  }

  /** Restarts the program after it has ended. */
  restart(): void {
    if (this.plan.mode === 'lossless' || this.plan.mode === 'lossy') this.#ledger.restarted(this.plan.name);
    this.#lastPublication = -1;
    this.program.start();
  }

  #onLine(line: string): void {
    const [kind, ...words] = line.split(' ');
    if (kind === 'D') {
      const [run, first, last, epoch = '0', sequence = '0', writtenMs] = words;
      this.#ledger.delivered(this.plan.name, { run: Number(run), first: Number(first), last: Number(last) });
      this.#epoch = epoch;
      this.#sequence = sequence;
      this.#delivered(Number(writtenMs));
    } else if (kind === 'M') {
      const [epoch = '0', sequence, writtenMs] = words;
      const again = epoch !== '0' && epoch === this.#epoch && Number(sequence) <= this.#lastPublication;
      this.#epoch = epoch;
      this.#lastPublication = Number(sequence);
      this.#ledger.publication(this.plan.name, again);
      this.#delivered(Number(writtenMs));
    } else if (kind === 'A') {
      this.#attachedMs = Date.now();
    } else if (kind === 'T') {
      this.#ledger.torn(this.plan.name, words.join(' '));
    } else if (kind === 'N') {
      this.#note(`${this.plan.name}: ${words.join(' ')}`);
    }
  }

  #delivered(writtenMs: number): void {
    if (writtenMs <= this.#newestMs) return;
    this.#newestMs = writtenMs;
    for (const check of this.#watchers) check();
  }
}
