/**
 * The benchmark's side of one program in `programs/`: starts it as a child process with settings,
 * sends it requests by name, and stops it. Every benchmark uses it; the other side is
 * `programs/control-channel.ts`. Spawns processes.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Reply, Request } from './programs/control-channel.js';

/** A program that is not ready or does not reply within this time fails the benchmark. */
const REPLY_TIMEOUT_MS = 60_000;

interface PendingRequest {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class BenchProcess {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #name: string;
  #lastId = 0;

  private constructor(name: string, settings: object, nodeOptions: readonly string[]) {
    this.#name = name;
    const path = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
    this.#child = fork(path, [JSON.stringify(settings)], {
      execArgv: [...nodeOptions, ...profileOptions(name)],
    });
    this.#child.on('message', (reply: Reply) => this.#settle(reply));
    this.#child.once('exit', (code, signal) => {
      for (const { reject, timer } of this.#pending.values()) {
        clearTimeout(timer);
        reject(new Error(`the program ${name} exited with ${signal ?? code}`));
      }
      this.#pending.clear();
    });
  }

  /** Starts `programs/NAME.js`; resolves when the program is ready. */
  static async start(
    name: string,
    settings: object = {},
    nodeOptions: readonly string[] = [],
  ): Promise<BenchProcess> {
    const program = new BenchProcess(name, settings, nodeOptions);
    try {
      await program.#waitForReply(0, 'ready');
    } catch (error) {
      program.#child.kill('SIGKILL');
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects when the request is unknown, or when the program ends or does not reply in time. */
  request<Value>(name: string): Promise<Value> {
    const id = (this.#lastId += 1);
    const reply = this.#waitForReply(id, name) as Promise<Value>;
    this.#child.send({ id, name } satisfies Request, (error) => {
      // An error means that the program has exited already.
      if (error !== null) this.#settle({ id, error: error.message });
    });
    return reply;
  }

  /** Ends the program; resolves when the process has exited. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect(); // the program exits by itself, so that its profile is written
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exit;
    clearTimeout(timer);
  }

  #waitForReply(id: number, request: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(
          new Error(`the program ${this.#name} did not reply to ${request} within ${REPLY_TIMEOUT_MS} ms`),
        );
      }, REPLY_TIMEOUT_MS);
      this.#pending.set(id, { resolve, reject, timer });
    });
  }

  #settle({ id, value, error }: Reply): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (error === undefined) pending.resolve(value);
    else pending.reject(new Error(`${this.#name}: ${error}`));
  }
}

/** Stops all programs, also when some fail to stop. */
export async function stopAll(programs: readonly BenchProcess[]): Promise<void> {
  await Promise.allSettled(programs.map((program) => program.stop()));
}

/** With `BENCH_PROFILE=DIR` every program writes a processor profile to that directory. */
function profileOptions(name: string): string[] {
  const directory = process.env['BENCH_PROFILE'];
  if (directory === undefined) return [];
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-name=${name}-${Date.now()}-${lastProfile++}.cpuprofile`,
  ];
}
let lastProfile = 0;
