/**
 * The processes of one supervisor that have not ended yet: usually one, two while one replaces
 * another. Used by `supervisor.ts`. Stops them in order: a request over the connection where there
 * is one, then signals.
 */
import type { Clock } from '../../base/clock.js';
import type { ProcessConnection, SupervisedProcess } from './supervised-process.js';
import type { QuitRequest } from './supervisor-options.js';

export class LivingProcesses<Connection extends ProcessConnection> {
  readonly #clock: Clock;
  readonly #quit: QuitRequest<Connection> | undefined;
  readonly #processes = new Set<SupervisedProcess>();

  constructor(clock: Clock, quit: QuitRequest<Connection> | undefined) {
    this.#clock = clock;
    this.#quit = quit;
  }

  get isEmpty(): boolean {
    return this.#processes.size === 0;
  }

  /** Keeps the process until it has ended. */
  add(process: SupervisedProcess): void {
    this.#processes.add(process);
    void process.exited.then(() => this.#processes.delete(process));
  }

  has(pid: number | undefined): boolean {
    return [...this.#processes].some((process) => process.pid === pid);
  }

  /** Resolves when those that live now have ended. */
  async allExited(): Promise<void> {
    await Promise.all([...this.#processes].map(({ exited }) => exited));
  }

  /** Stops all; resolves when each has ended. `connectionOf`: a process's permanent connection. */
  async endAll(connectionOf: (process: SupervisedProcess) => Connection | undefined): Promise<void> {
    const ends = [...this.#processes].map((process) => this.#end(process, connectionOf(process)));
    await Promise.all(ends);
  }

  /** Ends the watch of all: the processes continue without this parent. */
  release(): void {
    for (const process of this.#processes) process.release();
  }

  async #end(process: SupervisedProcess, connection: Connection | undefined): Promise<void> {
    const quit = this.#quit;
    if (quit !== undefined && connection !== undefined) {
      const agreed = await quit.ask(connection).catch(() => false);
      if (agreed !== false && (await exitsWithin(process, this.#clock, quit.withinMs))) return;
    }
    await process.stop();
  }
}

function exitsWithin(process: SupervisedProcess, clock: Clock, withinMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.after(withinMs, () => resolve(false));
    void process.exited.then(() => {
      cancel();
      resolve(true);
    });
  });
}
