/**
 * Runs `mirrorflow` as a real process in directories of one test, with a simulated SpecTcl in the
 * test's process. The tests of the console use it. Starts processes, listens on loopback ports, and
 * creates directories, all of which `close` ends and removes.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSimulator, type Simulator } from '../../simulator/simulator.js';
import { eventually } from '../kit/eventually.js';
import { leftovers, processesNaming, type ProcessOfDirectory } from '../kit/leftovers.js';
import { TestRuntime } from '../kit/test-runtime.js';

/** Path of the compiled command. */
export const PROGRAM = fileURLToPath(new URL('../../console/main.js', import.meta.url));

export interface Result {
  /** Exit code; the signal's name when one ended it. */
  readonly exit: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running command. */
export class RunningCommand {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Result>;
  stdout = '';
  stderr = '';

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stdout.on('data', (chunk) => (this.stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (this.stderr += String(chunk)));
    // A command that ends early closes its input.
    child.stdin.on('error', () => undefined);
    this.ended = once(child, 'close').then(([code, signal]) => ({
      exit: (signal ?? code) as number | string,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
  }

  /** Resolves when standard output contains the text. */
  async prints(text: string | RegExp): Promise<void> {
    await this.eventually(
      (stdout) => (typeof text === 'string' ? stdout.includes(text) : text.test(stdout)),
      text,
    );
  }

  /** Resolves when `condition` holds for standard output; `what` describes it in the error. */
  async eventually(
    condition: (stdout: string) => boolean,
    what: string | RegExp = 'the output',
  ): Promise<void> {
    try {
      await eventually(() => condition(this.stdout), `the command prints ${what}`);
    } catch (error) {
      const output = JSON.stringify({ stdout: this.stdout, stderr: this.stderr });
      throw new Error(`the command printed ${output}`, { cause: error });
    }
  }
}

export class ConsoleSystem extends TestRuntime {
  readonly #running: RunningCommand[] = [];
  readonly #simulators: Simulator[] = [];

  constructor() {
    super({ flows: 'disk' });
    mkdirSync(join(this.root, 'home'), { mode: 0o750 });
    mkdirSync(this.flowDirectory, { mode: 0o750 });
  }

  /** Only these variables, so that the user's own settings do not matter. */
  override get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: join(this.root, 'home'),
      LANG: 'C.UTF-8',
      MIRRORFLOW_DIR: this.directory,
      MIRRORFLOW_FLOW_DIR: this.flowDirectory,
      MIRRORFLOW_PORT: '0',
      MIRRORFLOW_START_TIMEOUT: process.env['MIRRORFLOW_START_TIMEOUT'],
      MIRRORFLOW_REATTACH: process.env['MIRRORFLOW_REATTACH'],
      MIRRORFLOW_CODE_CACHE: process.env['MIRRORFLOW_CODE_CACHE'],
    };
  }

  spawn(words: readonly string[], env: NodeJS.ProcessEnv = {}): RunningCommand {
    const child = spawn(process.execPath, [PROGRAM, ...words], { env: { ...this.environment, ...env } });
    const command = new RunningCommand(child);
    this.#running.push(command);
    return command;
  }

  /** Kills the command when the system is closed. */
  adopt(command: RunningCommand): void {
    this.#running.push(command);
  }

  async run(...words: readonly string[]): Promise<Result> {
    return this.feed('', ...words);
  }

  /** Runs a command with `input` on its standard input. */
  async feed(input: string, ...words: readonly string[]): Promise<Result> {
    const command = this.spawn(words);
    command.child.stdin.end(input);
    return command.ended;
  }

  /** The JSON of a command that must succeed. */
  async json<T>(...words: readonly string[]): Promise<T> {
    const { exit, stdout, stderr } = await this.run(...words, '--json');
    if (exit !== 0) throw new Error(`${words.join(' ')} ended with ${exit}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async simulator(options: Parameters<typeof startSimulator>[0] = {}): Promise<Simulator> {
    const simulator = await startSimulator({ channelBytes: 4 * 1024 * 1024, intervalMs: 50, ...options });
    this.#simulators.push(simulator);
    return simulator;
  }

  /** The processes, other than this one, that were started with this test's directories. */
  processes(): ProcessOfDirectory[] {
    return processesNaming(this.root);
  }

  /** Includes the home directory of the commands. */
  override leftovers(): string[] {
    return leftovers([this.root]);
  }

  async close(): Promise<void> {
    for (const command of this.#running) command.child.kill('SIGKILL');
    await Promise.all(this.#running.map((command) => command.ended));
    await this.run('host', 'stop');
    await Promise.all(this.#simulators.map((simulator) => simulator.close()));
    for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
    this.remove();
  }
}
