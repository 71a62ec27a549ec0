/**
 * A program of a benchmark as a process of its own: started with settings, asked by name, ended and
 * awaited.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './programs/answering.js';

/** A program that is not ready by then, or does not answer, fails the benchmark. */
const ANSWER_MS = 60_000;

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

export class BenchProcess {
  readonly #child: ChildProcess;
  readonly #asked = new Map<number, Asked>();
  readonly #name: string;
  #lastId = 0;

  private constructor(name: string, settings: object, nodeOptions: readonly string[]) {
    this.#name = name;
    const path = fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
    this.#child = fork(path, [JSON.stringify(settings)], { execArgv: [...nodeOptions, ...profiling(name)] });
    this.#child.on('message', (answer: Answer) => this.#heard(answer));
    this.#child.once('exit', (code, signal) => {
      for (const { reject, timer } of this.#asked.values()) {
        clearTimeout(timer);
        reject(new Error(`the program ${name} ended with ${signal ?? code}`));
      }
      this.#asked.clear();
    });
  }

  /** Starts `programs/NAME.js`; resolves when it says that it is ready. */
  static async start(
    name: string,
    settings: object = {},
    nodeOptions: readonly string[] = [],
  ): Promise<BenchProcess> {
    const program = new BenchProcess(name, settings, nodeOptions);
    try {
      await program.#answerTo(0, 'ready');
    } catch (error) {
      program.#child.kill('SIGKILL');
      throw error;
    }
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Rejects when the program does not know the question, ends, or does not answer. */
  ask<Value>(what: string): Promise<Value> {
    const id = (this.#lastId += 1);
    const answer = this.#answerTo(id, what) as Promise<Value>;
    this.#child.send({ id, what } satisfies Question, (error) => {
      if (error !== null) this.#heard({ id, error: error.message }); // it has ended before
    });
    return answer;
  }

  /** Ends it and awaits its end. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect(); // it ends by itself, so that a profile it was asked for is written
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    await exit;
    clearTimeout(timer);
  }

  #answerTo(id: number, what: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#asked.delete(id);
        reject(new Error(`the program ${this.#name} did not answer ${what} in ${ANSWER_MS} ms`));
      }, ANSWER_MS);
      this.#asked.set(id, { resolve, reject, timer });
    });
  }

  #heard({ id, value, error }: Answer): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    this.#asked.delete(id);
    clearTimeout(asked.timer);
    if (error === undefined) asked.resolve(value);
    else asked.reject(new Error(`${this.#name}: ${error}`));
  }
}

/** Ends all of them, also when some fail to. */
export async function stopAll(programs: readonly BenchProcess[]): Promise<void> {
  await Promise.allSettled(programs.map((program) => program.stop()));
}

/** `BENCH_PROFILE=DIR` has every program write a processor profile there. */
function profiling(name: string): string[] {
  const directory = process.env['BENCH_PROFILE'];
  if (directory === undefined) return [];
  return [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-name=${name}-${Date.now()}-${seen++}.cpuprofile`,
  ];
}
let seen = 0;
