/**
 * A flow of numbered, checksummed buffers between real programs of a system; a ledger counts what
 * was published and what each consumer got, buffer by buffer. Used by the system tests that kill
 * processes or cut links. Starts providers and consumers as processes; `end` and `kill` end them.
 */
import { join } from 'node:path';
import { Ledger } from '../chaos/ledger.js';
import { Participant } from '../chaos/participant.js';
import { Reader } from '../chaos/reader.js';
import { eventually } from '../kit/eventually.js';
import type { RealSystem } from '../kit/real-system.js';

/** For a consumer to receive a new buffer after processes were killed or links were cut. */
const RESUME_TIMEOUT_MS = 90_000;

export class NumberedFlow {
  readonly ledger = new Ledger((what) => this.problems.push(what));
  readonly problems: string[] = [];
  readonly provider: Participant;
  readonly #readers: Reader[] = [];
  readonly #system: RealSystem;
  readonly #app: string;
  readonly #flow: string;
  /** Each start of a provider is a run; buffers are numbered by run and by position in it. */
  #run = 0;
  /** Buffers that providers have reported as published, all runs together. */
  published = 0;

  readonly #signal: 'stream' | 'datagram';

  /**
   * `size` in bytes; the provider publishes `batch` buffers every five milliseconds. `signal`: how
   * the programs and the duplicator exchange counts.
   */
  constructor(
    system: RealSystem,
    app: string,
    flow: string,
    size = 1024,
    buffers = 64,
    batch = 4,
    signal: 'stream' | 'datagram' = 'stream',
  ) {
    this.#signal = signal;
    this.#system = system;
    this.#app = app;
    this.#flow = flow;
    this.provider = new Participant({
      name: `provider-${flow}`,
      script: 'test/chaos/programs/provider.js',
      args: () => [app, flow, ...[size, buffers, this.#run, batch].map(String)],
      ...this.#processOptions(`provider-${app}-${flow}`, system),
      onLine: (line) => {
        const [kind, next] = line.split(' ');
        if (kind === 'P') this.ledger.recordPublished(`${app}/${flow}`, this.#run, Number(next));
        this.published = this.ledger.totals.sent;
      },
    });
  }

  /** A consumer, not yet started, on the provider's host or on the host of `system`. */
  consumer(name: string, mode: 'lossless' | 'lossy' = 'lossless', system = this.#system): Reader {
    const plan = { name, app: this.#app, flow: this.#flow, mode };
    const note = (what: string): void => void this.problems.push(what);
    const reader = new Reader(plan, this.ledger, this.#processOptions(name, system), note);
    this.#readers.push(reader);
    return reader;
  }

  startProvider(): void {
    this.provider.start();
  }

  /** Kills the provider and starts it as the next run. */
  async restartProvider(): Promise<void> {
    await this.provider.kill();
    this.#run += 1;
    this.provider.start();
  }

  /** Resolves when every consumer has received a buffer that was written after this call. */
  async resumed(readers: readonly Reader[] = this.#readers): Promise<void> {
    const calledMs = Date.now();
    const times = await Promise.all(
      readers.map((reader) => reader.waitForDelivery(calledMs, RESUME_TIMEOUT_MS)),
    );
    if (times.includes(undefined))
      throw new Error(`not every consumer has received a new buffer: ${this.problems.join('; ')}`);
  }

  /**
   * Stops the provider, waits until lossless consumers have received everything, and kills them;
   * resolves with the totals.
   */
  async end(): Promise<Ledger['totals']> {
    await this.provider.stop();
    const lossless = this.#readers.filter(({ plan }) => plan.mode === 'lossless');
    await eventually(
      () => lossless.every(({ plan }) => this.ledger.isUpToDate(plan.name)),
      'lossless consumers have received everything',
    );
    await this.kill();
    return this.ledger.close();
  }

  /** Kills every program at once. */
  async kill(): Promise<void> {
    await Promise.all([this.provider.kill(), ...this.#readers.map(({ program }) => program.kill())]);
  }

  get pids(): number[] {
    return [this.provider.pid, ...this.#readers.map(({ program }) => program.pid)].filter(
      (pid) => pid !== undefined,
    );
  }

  #processOptions(name: string, { environment, root }: RealSystem) {
    return {
      env: { ...environment, CHAOS_SIGNAL: this.#signal },
      logFile: join(root, `${name}.log`),
      onUnexpectedExit: (how: string) => void this.problems.push(`${name} ended by itself: ${how}`),
    };
  }
}
