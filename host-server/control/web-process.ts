/**
 * The web viewer as a child of the host server: started when the host server serves, started again
 * when it dies, and it never outlives the host server, whose end of its standard input is its life
 * line. Its ready message is its first line of standard output.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Clock } from '../../protocol/base/clock.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { describeError } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import type { Logger } from '../../protocol/base/log.js';
import { ownChildEnvironment } from '../../protocol/host/process-kit/environment.js';
import { RestartPolicy } from '../../protocol/host/process-kit/restart-policy.js';
import { announcedAddress } from '../../protocol/host/process-kit/announced-address.js';

export interface WebProcessOptions {
  /**
   * Options of the web process about where it listens: `--listen tcp://127.0.0.1:7391`, perhaps
   * `--or-any-port`.
   */
  readonly args: readonly string[];
  /** Runtime directory of the host server. */
  readonly directory: string;
  readonly logFile: string;
  readonly clock: Clock;
  readonly log: Logger;
}

export class WebProcess {
  readonly #options: WebProcessOptions;
  readonly #policy = new RestartPolicy();
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #address: string | undefined;
  #cancelRestart: () => void = () => undefined;
  #stopping = false;

  /** Starts it. A viewer that cannot start is logged and changes nothing else. */
  constructor(options: WebProcessOptions) {
    this.#options = options;
    this.#start();
  }

  /** `http://127.0.0.1:7391/`; undefined while it does not serve. */
  get address(): string | undefined {
    return this.#address;
  }

  /** SIGTERM, a bounded wait, SIGKILL; resolves when it has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    const child = this.#child;
    if (child === undefined) return;
    child.kill('SIGTERM');
    const cancel = this.#options.clock.after(LIMITS.childStopTimeoutMs, () => child.kill('SIGKILL'));
    await this.#ended;
    cancel();
  }

  #start(): void {
    const { log } = this.#options;
    let child: ChildProcess;
    try {
      child = this.#spawn();
    } catch (error) {
      this.#gone(describeError(error)); // no descriptors, no disk under the log: tried again as after a death
      return;
    }
    this.#child = child;
    child.stdin?.on('error', () => undefined);
    // Without a process there are no streams either.
    if (child.stdout) {
      createInterface({ input: child.stdout }).on('line', (line) => {
        const address = announcedAddress(line);
        if (address === undefined) return;
        this.#address = address;
        log.info('web viewer serves', { address });
      });
    }
    this.#ended = new Promise((resolve) => {
      const ended = (how: string): void => {
        resolve();
        this.#gone(how);
      };
      child.once('error', (error) => ended(error.message));
      child.once('exit', (code, signal) => ended(signal ?? `exit code ${code}`));
    });
  }

  #spawn(): ChildProcess {
    const { args, directory, logFile } = this.#options;
    const file = openSync(logFile, 'a', 0o640);
    try {
      return spawn(
        process.execPath,
        [programPath('web'), ...args, '--directory', directory, '--end-with-stdin'],
        // In a group of its own: Ctrl-C is for the host server, which ends it in order.
        { detached: true, stdio: ['pipe', 'pipe', file], env: ownChildEnvironment(process.env) },
      );
    } finally {
      closeSync(file);
    }
  }

  #gone(how: string): void {
    this.#child = undefined;
    this.#address = undefined;
    if (this.#stopping) return;
    const { clock, log, logFile } = this.#options;
    const decision = this.#policy.died(clock.nowMs());
    if (decision.kind === 'give-up') {
      log.warn('the web viewer has ended too often and is not started again', { exit: how, logFile });
      return;
    }
    log.warn('the web viewer has ended and is started again', { exit: how, logFile });
    this.#cancelRestart = clock.after(decision.delayMs, () => this.#start(), true);
  }
}
