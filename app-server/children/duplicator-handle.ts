/**
 * One duplicator process as its app server holds it: one that it started itself, or one that it
 * found running and adopted. Either way it is known when the process has ended, and it can be
 * stopped.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { callerOf, type Caller } from '../../protocol/rpc/xml-rpc/contract.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { DuplicatorReady } from '../../protocol/rpc/contract/shapes.js';
import type { ErrorCode } from '../../protocol/base/errors.js';
import type { OwnerIdentity } from '../../protocol/base/owner-identity.js';
import type { Child } from '../../protocol/host/process-kit/child.js';
import { goneWithin, stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { LIMITS } from '../../protocol/base/limits.js';

/** How long an adopted duplicator that has ended its connection may take to come back or to end. */
const ADOPTED_RETURN_MS = 3_000;

/** How long a duplicator that was asked to end may take, before it gets a signal. */
const QUIT_MS = 500;

/** The permanent connection of a duplicator, as far as its handle needs one. */
export interface DuplicatorConnection extends Caller {
  readonly closed: Promise<void>;
}

export interface DuplicatorHandle {
  readonly pid: number | undefined;
  readonly adopted: boolean;
  /** Resolves, never rejects, when the process has ended; says how, for people. */
  readonly ended: Promise<string>;
  /** Resolves when the process has ended, which is bounded. */
  stop(): Promise<void>;
  /** The duplicator's permanent connection, each time it makes one. */
  connected(session: DuplicatorConnection): void;
}

/** One that is being started, and has not reported ready yet. */
export interface StartedDuplicator extends DuplicatorHandle {
  /** The token of this very start. */
  readonly launch: string;
  /** Rejects with why it could not start. */
  readonly ready: Promise<DuplicatorReady>;
  reportReady(ready: DuplicatorReady): void;
  failed(code: ErrorCode, message: string): void;
}

/** A duplicator that this app server has started. */
export class OwnDuplicator implements StartedDuplicator {
  readonly adopted = false;
  readonly launch: string;
  readonly ready: Promise<DuplicatorReady>;
  readonly ended: Promise<string>;
  readonly #child: Child<DuplicatorReady>;

  constructor(child: Child<DuplicatorReady>) {
    this.#child = child;
    this.launch = child.launch;
    this.ready = child.ready;
    this.ended = child.exited.then((outcome) =>
      outcome.kind === 'start-failed' ? outcome.cause.message : outcome.exit,
    );
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  reportReady(ready: DuplicatorReady): void {
    this.#child.reportReady(ready);
  }

  failed(code: ErrorCode, message: string): void {
    this.#child.failed(code, message);
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  /** The exit of a child is awaited; its connection tells nothing more. */
  connected(): void {}
}

/** A duplicator that an earlier app server has started. */
export class AdoptedDuplicator implements DuplicatorHandle {
  readonly adopted = true;
  readonly ended: Promise<string>;
  readonly #identity: OwnerIdentity;
  readonly #clock: Clock;
  #session: DuplicatorConnection | undefined;
  #resolveEnded: (how: string) => void = () => undefined;
  #stopping: Promise<void> | undefined;

  constructor(identity: OwnerIdentity, clock: Clock) {
    this.#identity = identity;
    this.#clock = clock;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get pid(): number {
    return this.#identity.pid;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The end of the connection is how the end of a process that is no child of ours is noticed. */
  connected(session: DuplicatorConnection): void {
    this.#session = session;
    void session.closed.then(() => this.#lost(session));
  }

  async #lost(session: DuplicatorConnection): Promise<void> {
    if (this.#session !== session) return;
    this.#session = undefined;
    if (await goneWithin(this.#identity, this.#clock, ADOPTED_RETURN_MS)) {
      this.#resolveEnded('its connection closed');
      return;
    }
    // It may have come back in the meantime.
    if (this.#session === undefined) await this.stop();
  }

  async #stop(): Promise<void> {
    const session = this.#session;
    if (session !== undefined) {
      const asked = callerOf(CONTRACT, session)('duplicator.quit', [], { timeoutMs: QUIT_MS });
      const willEnd = await asked.then(
        () => true,
        () => false,
      );
      if (willEnd) await goneWithin(this.#identity, this.#clock, QUIT_MS);
    }
    await stopForeign(this.#identity, this.#clock, LIMITS.childStopTimeoutMs - QUIT_MS);
    this.#resolveEnded('it was stopped');
  }
}
