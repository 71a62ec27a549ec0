/**
 * Runs `mirrorflow` as a real process in directories of one test, with a simulated SpecTcl in the
 * test's process. The tests of the console use it.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startSimulator, type Simulator } from '../../simulator/simulator.js';

/** Path of the compiled command. */
export const PROGRAM = fileURLToPath(new URL('../../console/main.js', import.meta.url));
const DEADLINE_MS = 45_000;
const POLL_INTERVAL_MS = 20;

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
      await eventually(`the command prints ${what}`, () => condition(this.stdout));
    } catch (error) {
      const output = JSON.stringify({ stdout: this.stdout, stderr: this.stderr });
      throw new Error(`the command printed ${output}`, { cause: error });
    }
  }
}

/** Polls until `condition` holds; throws with `what` after a deadline. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_INTERVAL_MS);
    });
  }
}

export class ConsoleSystem {
  readonly root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly directory = join(this.root, 'run');
  readonly flowDirectory = join(this.root, 'flows');
  readonly #running: RunningCommand[] = [];
  readonly #simulators: Simulator[] = [];

  constructor() {
    for (const name of ['home', 'run', 'flows']) mkdirSync(join(this.root, name), { mode: 0o750 });
  }

  get environment(): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: join(this.root, 'home'),
      LANG: 'C.UTF-8',
      MIRRORFLOW_DIR: this.directory,
      MIRRORFLOW_FLOW_DIR: this.flowDirectory,
      MIRRORFLOW_PORT: '0',
      MIRRORFLOW_START_TIMEOUT: process.env['MIRRORFLOW_START_TIMEOUT'],
      MIRRORFLOW_REATTACH: process.env['MIRRORFLOW_REATTACH'],
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

  /** Processes, other than this one, that were started with this test's directories. */
  processes(): string[] {
    return readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
      .flatMap((pid) => {
        try {
          const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
          // A zombie, which has exited and has not been waited for, has no program.
          readlinkSync(`/proc/${pid}/exe`);
          return environment.includes(this.root)
            ? [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8')}`]
            : [];
        } catch {
          return [];
        }
      });
  }

  /** Existing sockets, flow files and images, without logs, claim locks and the token. */
  leftovers(): string[] {
    return readdirSync(this.root, { recursive: true, encoding: 'utf8' }).filter(
      (path) => !/\.log$|\.claims$|(^|\/)token$/.test(path) && !statSync(join(this.root, path)).isDirectory(),
    );
  }

  async close(): Promise<void> {
    for (const command of this.#running) command.child.kill('SIGKILL');
    await Promise.all(this.#running.map((command) => command.ended));
    await this.run('host', 'stop');
    await Promise.all(this.#simulators.map((simulator) => simulator.close()));
    for (const line of this.processes()) process.kill(Number.parseInt(line, 10), 'SIGKILL');
    rmSync(this.root, { recursive: true, force: true });
  }
}
