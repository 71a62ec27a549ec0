/**
 * The registered programs of an application (stated in the host server's configuration), which
 * clients may start by name with `app.run`. A program runs detached from this process, without a
 * shell, and outlives it. Used by the handlers in `calls/`; starts processes and appends to log
 * files.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { ProgramInfo } from '../../protocol/rpc/contract/statistics.js';
import type { Programs as RegisteredPrograms } from '../../protocol/rpc/contract/programs.js';
import { logFilePath } from '../../protocol/base/paths.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { LOG_FILE_VARIABLE, rotateLog } from '../../protocol/base/log-rotation.js';
import { LAUNCH_VARIABLE } from '../../protocol/host/process-kit/child.js';
import { foreignChildEnvironment } from '../../protocol/host/process-kit/environment.js';

/** Time between two checks of the size of the programs' logs, which they write themselves. */
const LOG_CHECK_MS = 60_000;
/** Processes of one application's programs at the same time. */
const RUNNING_MAX = 32;
const LOG_MODE = 0o640;

export interface ProgramsOptions {
  readonly application: string;
  /** Runtime directory, which holds the logs. */
  readonly directory: string;
  readonly registered: RegisteredPrograms;
  readonly log: Logger;
}

export class Programs {
  readonly #options: ProgramsOptions;
  readonly #running = new Map<ChildProcess, string>();
  #logCheck: NodeJS.Timeout | undefined;

  constructor(options: ProgramsOptions) {
    this.#options = options;
  }

  list(): ProgramInfo[] {
    return Object.entries(this.#options.registered).map(([name, { command, args = [] }]) => ({
      name,
      command,
      args,
      running: [...this.#running.values()].filter((running) => running === name).length,
    }));
  }

  /**
   * Starts a program, with MIRRORFLOW_APPLICATION and MIRRORFLOW_DIR in its environment, and
   * resolves with its process id. Rejects with UNKNOWN_PROGRAM naming the registered ones,
   * LIMIT_REACHED, START_FAILED.
   */
  async run(name: string): Promise<number> {
    const { application, directory, registered, log } = this.#options;
    const program = Object.hasOwn(registered, name) ? registered[name] : undefined;
    if (program === undefined) {
      const names = Object.keys(registered).toSorted().join(', ');
      throw new MirrorflowError(
        'UNKNOWN_PROGRAM',
        `application ${application} has no program ${name}; ${names === '' ? 'none is registered' : `registered are: ${names}`}`,
        { program: name },
      );
    }
    if (this.#running.size >= RUNNING_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', `${RUNNING_MAX} programs of ${application} run already`, {
        running: RUNNING_MAX,
      });
    }
    const logFile = logFilePath(directory, 'program', application, name);
    rotateLog(logFile);
    const output = openSync(logFile, 'a', LOG_MODE);
    // The launch token proves this process to the host server: no program may have it.
    const {
      [LAUNCH_VARIABLE]: _launch,
      [LOG_FILE_VARIABLE]: _log,
      ...env
    } = foreignChildEnvironment(process.env);
    let child: ChildProcess;
    try {
      child = spawn(program.command, [...(program.args ?? [])], {
        cwd: '/',
        detached: true,
        stdio: ['ignore', output, output],
        env: { ...env, MIRRORFLOW_APPLICATION: application, MIRRORFLOW_DIR: directory },
      });
    } finally {
      closeSync(output);
    }
    child.unref();
    this.#running.set(child, name);
    this.#checkLogs();
    return new Promise((resolve, reject) => {
      child.once('spawn', () => {
        log.info('a program was started', { program: name, pid: child.pid });
        resolve(child.pid ?? 0);
      });
      child.once('error', (error) => {
        this.#running.delete(child);
        const message = `program ${name} (${program.command}) could not be started: ${describeError(error)}`;
        reject(new MirrorflowError('START_FAILED', message, { program: name }, error));
      });
      child.once('exit', (code, signal) => {
        this.#running.delete(child);
        log.info('a program has ended', {
          program: name,
          pid: child.pid,
          exit: signal ?? `exit code ${code}`,
        });
      });
    });
  }

  /** Rotates the logs of running programs until none runs. */
  #checkLogs(): void {
    if (this.#logCheck !== undefined) return;
    this.#logCheck = setTimeout(() => {
      this.#logCheck = undefined;
      const { application, directory } = this.#options;
      for (const name of new Set(this.#running.values()))
        rotateLog(logFilePath(directory, 'program', application, name));
      if (this.#running.size > 0) this.#checkLogs();
    }, LOG_CHECK_MS).unref();
  }
}
