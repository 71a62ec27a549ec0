/**
 * A flow of numbered, checked buffers between real programs in a test's system: what was sent and
 * what arrived is known buffer by buffer.
 */
import { join } from 'node:path';
import { Ledger } from '../chaos/ledger.js';
import { Participant } from '../chaos/participant.js';
import { Reader } from '../chaos/reader.js';
import type { RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';

export class NumberedFlow {
  readonly ledger = new Ledger((what) => this.problems.push(what));
  readonly problems: string[] = [];
  readonly provider: Participant;
  readonly #readers: Reader[] = [];
  readonly #system: RealSystem;
  readonly #app: string;
  readonly #flow: string;
  #run = 0;
  /** Buffers that providers said they had published. */
  published = 0;

  /** `batch` buffers are written every five milliseconds. */
  constructor(system: RealSystem, app: string, flow: string, size = 1024, buffers = 64, batch = 4) {
    this.#system = system;
    this.#app = app;
    this.#flow = flow;
    this.provider = new Participant({
      name: `provider-${flow}`,
      script: 'test/chaos/programs/provider.js',
      args: () => [app, flow, ...[size, buffers, this.#run, batch].map(String)],
      ...this.#surroundings(`provider-${app}-${flow}`, system),
      line: (line) => {
        const [kind, next] = line.split(' ');
        if (kind === 'P') this.ledger.published(`${app}/${flow}`, this.#run, Number(next));
        this.published = this.ledger.totals.sent;
      },
    });
  }

  /** On the provider's host, or on another. */
  consumer(name: string, mode: 'lossless' | 'lossy' = 'lossless', system = this.#system): Reader {
    const plan = { name, app: this.#app, flow: this.#flow, mode };
    const note = (what: string): void => void this.problems.push(what);
    const reader = new Reader(plan, this.ledger, this.#surroundings(name, system), note);
    this.#readers.push(reader);
    return reader;
  }

  /** The provider as its next run. */
  startProvider(): void {
    this.provider.start();
  }

  async restartProvider(): Promise<void> {
    await this.provider.kill();
    this.#run += 1;
    this.provider.start();
  }

  /** Waits until every consumer has a buffer that was written from now on. */
  async goesOn(readers: readonly Reader[] = this.#readers): Promise<void> {
    const now = Date.now();
    const back = await Promise.all(readers.map((reader) => reader.backSince(now, 90_000)));
    if (back.includes(undefined)) throw new Error(`not every consumer goes on: ${this.problems.join('; ')}`);
  }

  /**
   * Ends the provider, waits until lossless consumers have everything, ends them; resolves with
   * what was counted.
   */
  async end(): Promise<Ledger['totals']> {
    await this.provider.stop();
    const lossless = this.#readers.filter(({ plan }) => plan.mode === 'lossless');
    await eventually(() =>
      lossless.every(({ plan }) => this.ledger.isUpToDate(plan.name)), 'lossless consumers have everything',
    );
    await this.kill();
    return this.ledger.close();
  }

  /** Ends every program at once. */
  async kill(): Promise<void> {
    await Promise.all([this.provider.kill(), ...this.#readers.map(({ program }) => program.kill())]);
  }

  get pids(): number[] {
    return [this.provider.pid, ...this.#readers.map(({ program }) => program.pid)].filter(
      (pid) => pid !== undefined,
    );
  }

  #surroundings(name: string, { environment, directory }: RealSystem) {
    return {
      env: environment,
      logFile: join(directory, `${name}.log`),
      died: (how: string) => void this.problems.push(`${name} ended by itself: ${how}`),
    };
  }
}
