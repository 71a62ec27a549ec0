/**
 * Keeps a session to one target alive: connects, presents itself, and after a loss tries again with
 * a growing, jittered delay, for as long as it is not closed.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock, type Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Caller, CallOptions } from './contract.js';
import { connectSession } from './connect-session.js';
import type { RpcSession, SessionOptions } from './session.js';
import { showTarget, type RpcTarget } from './target.js';
import type { RpcValue } from './values.js';

/**
 * | state      | event                                    | next       |
 * | ---------- | ---------------------------------------- | ---------- |
 * | connecting | session open and presented               | connected  |
 * | connecting | refused, lost, presentation failed       | connecting, after a delay |
 * | connected  | session lost                             | connecting, after a delay |
 * | any        | close()                                  | closed     |
 */
export type ConnectionState = 'connecting' | 'connected' | 'closed';

interface PermanentConnectionEvents<Context> {
  connected: [session: RpcSession<Context>];
  /** The session that was connected has ended, and a new one is being made. */
  lost: [reason: MirrorflowError | undefined];
  /** One try has failed; the next is after `delayMs`. */
  failed: [error: unknown, delayMs: number];
  closed: [];
}

export interface PermanentConnectionOptions<Context> extends SessionOptions<Context> {
  /**
   * The presentation: runs on every new session before it counts as connected; a rejection drops
   * the session.
   */
  readonly onConnected?: (session: RpcSession<Context>) => Promise<void>;
  /** 0 to 1, for the jitter. Default: Math.random. */
  readonly random?: () => number;
  /**
   * How a session is made. Default: connectSession to the target. `signal` aborts when the
   * connection is closed.
   */
  readonly connect?: (signal: AbortSignal) => Promise<RpcSession<Context>>;
}

export class PermanentConnection<Context = undefined>
  extends EventEmitter<PermanentConnectionEvents<Context>>
  implements Caller
{
  readonly #target: RpcTarget;
  readonly #options: PermanentConnectionOptions<Context>;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #state: ConnectionState = 'connecting';
  /** The session in use: also while it presents itself. */
  #session: RpcSession<Context> | undefined;
  #attempt: Promise<void> | undefined;
  #cancelDelay: (() => void) | undefined;
  #failures = 0;

  /** Does nothing before start(). */
  constructor(target: RpcTarget, options: PermanentConnectionOptions<Context>) {
    super();
    this.#target = target;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session, while connected. */
  get session(): RpcSession<Context> | undefined {
    return this.#state === 'connected' ? this.#session : undefined;
  }

  /** Makes the first try. */
  start(): void {
    this.retryNow();
  }

  /** Tries at once when it waits for the next try; else nothing. */
  retryNow(): void {
    if (this.#state !== 'connecting' || this.#attempt !== undefined) return;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#attempt = this.#try();
  }

  /**
   * A call on the present session; waits for no connection: rejects with TRANSPORT_ERROR when there
   * is none.
   */
  async call(method: string, params: readonly RpcValue[], options?: CallOptions): Promise<RpcValue> {
    const { session } = this;
    if (session !== undefined) return session.call(method, params, options);
    const address = showTarget(this.#target);
    if (this.#state === 'closed') {
      throw new MirrorflowError('CLOSED', `${method}: the connection to ${address} is closed`, { address });
    }
    throw new MirrorflowError('TRANSPORT_ERROR', `${method}: not connected to ${address}`, {
      address,
      method,
    });
  }

  /** Ends the session in good order and tries no more. */
  async close(): Promise<void> {
    const first = this.#state !== 'closed';
    this.#state = 'closed';
    this.#cancelDelay?.();
    this.#closing.abort();
    await this.#session?.close();
    await this.#attempt;
    if (first) this.emit('closed');
  }

  /** Never rejects. Ends when the session is presented, or when the try has failed. */
  async #try(): Promise<void> {
    try {
      const session = await this.#connect();
      this.#session = session;
      if (this.#state === 'closed') {
        await session.close();
        return;
      }
      await this.#present(session);
      if (session.state !== 'open') throw new MirrorflowError('CLOSED', 'the session ended at once');
    } catch (thrown) {
      this.#session?.destroy();
      this.#session = undefined;
      this.#attempt = undefined;
      this.#retryLater((delayMs) => this.emit('failed', thrown, delayMs));
      return;
    }
    this.#attempt = undefined;
    this.#becomeConnected(this.#session);
  }

  async #connect(): Promise<RpcSession<Context>> {
    const { signal } = this.#closing;
    return this.#options.connect?.(signal) ?? connectSession(this.#target, { ...this.#options, signal });
  }

  /** A presentation whose session dies has failed, even if its own promise never settles. */
  async #present(session: RpcSession<Context>): Promise<void> {
    const lost = session.closed.then(() => {
      throw new MirrorflowError('CLOSED', 'the session ended during the presentation');
    });
    await Promise.race([lost, this.#options.onConnected?.(session) ?? Promise.resolve()]);
  }

  #becomeConnected(session: RpcSession<Context>): void {
    if (this.#state === 'closed') return;
    this.#failures = 0;
    this.#state = 'connected';
    session.once('close', (reason) => {
      this.#session = undefined;
      if (this.#state !== 'connected') return;
      this.#state = 'connecting';
      this.#retryLater(() => this.emit('lost', reason));
    });
    this.emit('connected', session);
  }

  #retryLater(announce: (delayMs: number) => void): void {
    if (this.#state === 'closed') return;
    const { reconnectFirstMs, reconnectMaxMs } = LIMITS;
    const fullMs = Math.min(reconnectMaxMs, reconnectFirstMs * 2 ** Math.min(this.#failures, 30));
    // Half to whole: those that lost the same server do not come back in the same moment.
    const delayMs = (fullMs * (1 + (this.#options.random ?? Math.random)())) / 2;
    this.#failures += 1;
    this.#cancelDelay = this.#clock.after(delayMs, () => this.retryNow());
    announce(delayMs);
  }
}
