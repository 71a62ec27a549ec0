/**
 * A running process that an earlier parent has started and that this parent has adopted. The
 * kernel reports the end of children only, so the end of its permanent connection is the signal;
 * then its identity is polled until it has ended or has connected again. Made by the owners of
 * supervisors. Sends signals, reads /proc.
 */
import type { Clock } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';
import { stopForeign } from './foreign-process.js';
import type { ProcessConnection, SupervisedProcess } from './supervised-process.js';

/** Interval of the liveness check of a process without a connection. */
const POLL_MS = 20;
const EXIT_UNKNOWN = 'its exit code is not known';

export interface AdoptedProcessOptions {
  readonly identity: OwnerIdentity;
  readonly clock: Clock;
  /** A process that lost its connection for longer is stopped; undefined: it may stay alone. */
  readonly reconnectWithinMs?: number;
  /** From SIGTERM to SIGKILL; LIMITS.childStopTimeoutMs when left out. */
  readonly stopTimeoutMs?: number;
}

export class AdoptedProcess implements SupervisedProcess {
  readonly adopted = true;
  readonly exited: Promise<string>;
  readonly #options: AdoptedProcessOptions;
  #connection: ProcessConnection | undefined;
  #stopping: Promise<void> | undefined;
  #released = false;
  #resolveExited: (exit: string) => void = () => undefined;

  constructor(options: AdoptedProcessOptions) {
    this.#options = options;
    this.exited = new Promise((resolve) => {
      this.#resolveExited = resolve;
    });
  }

  get pid(): number {
    return this.#options.identity.pid;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopOnce();
    return this.#stopping;
  }

  connected(connection: ProcessConnection): void {
    this.#connection = connection;
    void connection.closed.then(() => {
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#poll(this.#options.clock.nowMs());
    });
  }

  release(): void {
    this.#released = true;
  }

  #poll(lostAtMs: number): void {
    if (this.#connection !== undefined || this.#released || this.#stopping !== undefined) return;
    const { identity, clock, reconnectWithinMs = Infinity } = this.#options;
    if (!isAlive(identity)) this.#resolveExited(EXIT_UNKNOWN);
    else if (clock.nowMs() - lostAtMs >= reconnectWithinMs) void this.stop();
    else clock.after(POLL_MS, () => this.#poll(lostAtMs), true);
  }

  async #stopOnce(): Promise<void> {
    const { identity, clock, stopTimeoutMs = LIMITS.childStopTimeoutMs } = this.#options;
    await stopForeign(identity, clock, stopTimeoutMs);
    this.#resolveExited(EXIT_UNKNOWN);
  }
}
