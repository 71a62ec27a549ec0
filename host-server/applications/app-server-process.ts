/**
 * The process of an app server as an application sees it: its own child, or one that it adopted
 * from an earlier host server or from somebody's terminal. Both end the same way.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { AppServerReady } from '../../protocol/rpc/contract/shapes.js';
import { isAlive, type OwnerIdentity } from '../../protocol/base/owner-identity.js';
import type { Child } from '../../protocol/host/process-kit/child.js';
import { stopForeign } from '../../protocol/host/process-kit/foreign-process.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { HostSession } from '../control/host-context.js';

/** How an app server ended: as somebody asked of it, or not. */
export interface AppServerEnd {
  readonly orderly: boolean;
  /** `SIGKILL`, `exit code 70`, for messages. */
  readonly exit: string;
}

export interface EndingTimes {
  /** From app.quit to SIGTERM: an app server stops its duplicators first. */
  readonly quitTimeoutMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
}

/**
 * How often an adopted process without a connection is looked at: the kernel tells the end of
 * children only.
 */
const LOOK_MS = 50;
const QUIT_CALL_TIMEOUT_MS = 1_000;

export abstract class AppServerProcess {
  /** Always resolves, when the process is gone. */
  abstract readonly ended: Promise<AppServerEnd>;
  abstract readonly pid: number | undefined;
  readonly #clock: Clock;
  readonly #times: EndingTimes;
  #session: HostSession | undefined;

  constructor(clock: Clock, times: EndingTimes) {
    this.#clock = clock;
    this.#times = times;
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  get session(): HostSession | undefined {
    return this.#session;
  }

  /** Whether that is it. A child also proves itself with the token of its start. */
  abstract is(identity: OwnerIdentity, launch: string | undefined): boolean;

  /** Its life line. A newer one replaces it: an app server has one. */
  attach(session: HostSession): void {
    this.#session = session;
    session.once('close', () => {
      if (this.#session !== session) return;
      this.#session = undefined;
      this.lost();
    });
  }

  /** Asks it to end, then makes it end; resolves when it has. */
  async end(): Promise<void> {
    if (this.#session !== undefined) {
      // Without an answer it is ended by signals; the reason changes nothing.
      const asked = callerOf(CONTRACT, this.#session)('app.quit', [], { timeoutMs: QUIT_CALL_TIMEOUT_MS });
      const quits = await asked.catch(() => false);
      if (quits && (await this.#endedWithin(this.#times.quitTimeoutMs))) return;
    }
    await this.stop(this.#times.stopTimeoutMs);
  }

  /** Watches no more: the process goes on without this host server. */
  release(): void {}

  /** The life line is gone. */
  protected lost(): void {}

  /** SIGTERM, a bounded wait, SIGKILL; resolves when it has ended. */
  protected abstract stop(stopTimeoutMs: number): Promise<void>;

  #endedWithin(waitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(waitMs, () => resolve(false));
      void this.ended.then(() => {
        cancel();
        resolve(true);
      });
    });
  }
}

export class OwnAppServer extends AppServerProcess {
  readonly ended: Promise<AppServerEnd>;
  readonly child: Child<AppServerReady>;

  constructor(child: Child<AppServerReady>, clock: Clock, times: EndingTimes) {
    super(clock, times);
    this.child = child;
    this.ended = child.exited.then((outcome) => {
      if (outcome.kind === 'start-failed') return { orderly: false, exit: outcome.cause.message };
      return { orderly: outcome.kind === 'stopped' || outcome.exit === 'exit code 0', exit: outcome.exit };
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  is({ pid }: OwnerIdentity, launch: string | undefined): boolean {
    return pid === this.child.pid && launch === this.child.launch;
  }

  protected async stop(): Promise<void> {
    await this.child.stop();
  }
}

export class AdoptedAppServer extends AppServerProcess {
  readonly ended: Promise<AppServerEnd>;
  readonly #identity: OwnerIdentity;
  readonly #clock: Clock;
  #resolveEnded: () => void = () => undefined;
  #cancelLook: (() => void) | undefined;

  /**
   * `leftRecord` says whether it ended without taking its record away: its exit code is not known
   * to strangers.
   */
  constructor(identity: OwnerIdentity, clock: Clock, times: EndingTimes, leftRecord: () => boolean) {
    super(clock, times);
    this.#identity = identity;
    this.#clock = clock;
    this.ended = new Promise<void>((resolve) => {
      this.#resolveEnded = resolve;
    }).then(() => ({ orderly: !leftRecord(), exit: 'its exit code is not known' }));
    this.#look();
  }

  get pid(): number {
    return this.#identity.pid;
  }

  is({ pid, startTicks }: OwnerIdentity): boolean {
    return pid === this.#identity.pid && startTicks === this.#identity.startTicks;
  }

  override attach(session: HostSession): void {
    this.release();
    super.attach(session);
  }

  override release(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  /**
   * The kernel closes a dying process's connections a little before the process is gone; one that
   * lives connects again.
   */
  protected override lost(): void {
    this.#look();
  }

  protected async stop(stopTimeoutMs: number): Promise<void> {
    await stopForeign(this.#identity, this.#clock, stopTimeoutMs);
    this.release();
    this.#resolveEnded();
  }

  #look(): void {
    if (isAlive(this.#identity)) this.#cancelLook = this.#clock.after(LOOK_MS, () => this.#look(), true);
    else this.#resolveEnded();
  }
}
