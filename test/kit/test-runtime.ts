/**
 * The runtime and flow directories of one test and the processes that run with them; RealSystem,
 * AppServerSystem, HostServerSystem and ConsoleSystem stand on it. Starts processes; creates a
 * temporary directory and removes it in `remove`.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leftovers } from './leftovers.js';
import { TestProcess, type CommandWrapper } from './test-process.js';

export interface RuntimeOptions {
  /** Where flow files go: `memory` (default) is below /dev/shm, `disk` beside the rest. */
  readonly flows?: 'memory' | 'disk';
  /** False: the first server creates the runtime directory. */
  readonly createDirectory?: boolean;
  /** The secret that the hosts of a network share. */
  readonly secret?: string;
  /** Added to the environment of every process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Runs every program by another command. */
  readonly command?: CommandWrapper;
}

export class TestRuntime {
  /** For files of the test itself; not searched for leftovers. */
  readonly root = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  readonly directory = join(this.root, 'run');
  readonly flowDirectory: string;
  readonly #processes = new Set<TestProcess>();
  readonly #options: RuntimeOptions;
  readonly #secretFile: string | undefined;

  constructor(options: RuntimeOptions = {}) {
    this.#options = options;
    if (options.createDirectory !== false) mkdirSync(this.directory, { mode: 0o750 });
    this.flowDirectory =
      options.flows === 'disk' ? join(this.root, 'flows') : mkdtempSync('/dev/shm/mirrorflow-test-');
    if (options.secret !== undefined) {
      this.#secretFile = join(this.root, 'secret');
      writeFileSync(this.#secretFile, options.secret, { mode: 0o600 });
    }
  }

  /** What a program needs to find this system's servers. */
  get environment(): NodeJS.ProcessEnv {
    return {
      ...process.env,
      MIRRORFLOW_STATE_DIR: join(this.root, 'state'),
      MIRRORFLOW_DIR: this.directory,
      MIRRORFLOW_FLOW_DIR: this.flowDirectory,
      MIRRORFLOW_SECRET_FILE: this.#secretFile,
      ...this.#options.environment,
    };
  }

  /** Starts a program of the project, or a compiled fixture, with these directories. */
  program(module: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): TestProcess {
    const child = new TestProcess(module, args, { ...this.environment, ...env }, this.#options.command);
    this.#processes.add(child);
    return child;
  }

  /** A file below the runtime directory; undefined while it does not exist. */
  read(name: string): string | undefined {
    const path = join(this.directory, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /** What all processes have logged, for the report of a failed test. */
  logs(): string {
    const folder = join(this.directory, 'logs');
    const files = existsSync(folder) ? readdirSync(folder) : [];
    return [
      ...[...this.#processes].map(({ pid, errors }) => `-- standard error of process ${pid}\n${errors}`),
      ...files.map((file) => `-- ${file}\n${readFileSync(join(folder, file), 'utf8')}`),
    ].join('\n');
  }

  /** Files and processes that the system should have removed when it stopped. */
  leftovers(): string[] {
    return leftovers([this.directory, this.flowDirectory].filter((path) => existsSync(path)));
  }

  /** Ends all processes of the test. `kill`: by SIGKILL, else in good order. */
  async end(kill = false): Promise<void> {
    const running = [...this.#processes].filter((child) => !child.hasEnded);
    await Promise.all(running.map((child) => (kill ? child.kill() : child.stop())));
  }

  /** Removes all directories. */
  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
    rmSync(this.flowDirectory, { recursive: true, force: true });
  }
}
