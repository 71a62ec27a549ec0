/**
 * A connection to one server that is reopened whenever it is lost, until it is closed: it connects,
 * runs the presentation that its owner supplies, and after a failure or a loss retries with a
 * growing, jittered delay. Clients hold one to their app server, and children to their parent.
 * Opens sockets through `connectSession`.
 */
import { EventEmitter } from 'eventemitter3';
import { Backoff } from '../../base/backoff.js';
import { systemClock, type Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Caller, CallOptions } from './contract.js';
import { connectSession } from './connect-session.js';
import type { RpcSession, SessionOptions } from './session.js';
import { formatTarget, type RpcTarget } from './target.js';
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
  /** The session has ended, and a new one will be opened. */
  lost: [reason: MirrorflowError | undefined];
  /** An attempt has failed; the next one follows after `delayMs`. */
  failed: [error: unknown, delayMs: number];
  closed: [];
}

export interface PermanentConnectionOptions<Context> extends SessionOptions<Context> {
  /**
   * The presentation: runs on every new session before the connection counts as connected; a
   * rejection drops the session.
   */
  readonly onConnected?: (session: RpcSession<Context>) => Promise<void>;
  /** Returns 0 to below 1, for the jitter. Default: Math.random. */
  readonly random?: () => number;
  /**
   * Opens a session. Default: connectSession to the target. `signal` aborts when the connection is
   * closed.
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
  /** The session in use, also during its presentation. */
  #session: RpcSession<Context> | undefined;
  #attempt: Promise<void> | undefined;
  #cancelDelay: (() => void) | undefined;
  readonly #backoff: Backoff;

  /** Does nothing before start(). */
  constructor(target: RpcTarget, options: PermanentConnectionOptions<Context>) {
    super();
    this.#target = target;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#backoff = new Backoff(
      { firstMs: LIMITS.reconnectFirstMs, maxMs: LIMITS.reconnectMaxMs },
      options.random,
    );
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** The session, while connected. */
  get session(): RpcSession<Context> | undefined {
    return this.#state === 'connected' ? this.#session : undefined;
  }

  /** Makes the first attempt. */
  start(): void {
    this.retryNow();
  }

  /** Makes the next attempt now instead of after its delay; does nothing in other states. */
  retryNow(): void {
    if (this.#state !== 'connecting' || this.#attempt !== undefined) return;
    this.#cancelDelay?.();
    this.#cancelDelay = undefined;
    this.#attempt = this.#attemptOnce();
  }

  /**
   * A call on the present session. Does not wait for a connection: rejects with TRANSPORT_ERROR
   * while there is none.
   */
  async call(method: string, params: readonly RpcValue[], options?: CallOptions): Promise<RpcValue> {
    const { session } = this;
    if (session !== undefined) return session.call(method, params, options);
    const address = formatTarget(this.#target);
    if (this.#state === 'closed') {
      throw new MirrorflowError('CLOSED', `${method}: the connection to ${address} is closed`, { address });
    }
    throw new MirrorflowError('TRANSPORT_ERROR', `${method}: not connected to ${address}`, {
      address,
      method,
    });
  }

  /** Closes the session after its running calls and makes no further attempt. Idempotent. */
  async close(): Promise<void> {
    const isFirstCall = this.#state !== 'closed';
    this.#state = 'closed';
    this.#cancelDelay?.();
    this.#closing.abort();
    await this.#session?.close();
    await this.#attempt;
    if (isFirstCall) this.emit('closed');
  }

  /** Never rejects. Resolves when the session is presented, or when the attempt has failed. */
  async #attemptOnce(): Promise<void> {
    try {
      const session = await this.#connect();
      this.#session = session;
      if (this.#state === 'closed') {
        await session.close();
        return;
      }
      await this.#present(session);
      if (session.state !== 'open') {
        throw new MirrorflowError('CLOSED', 'the session ended right after the presentation');
      }
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

  /** A presentation fails when its session ends, even if its own promise never settles. */
  async #present(session: RpcSession<Context>): Promise<void> {
    const lost = session.closed.then(() => {
      throw new MirrorflowError('CLOSED', 'the session ended during the presentation');
    });
    await Promise.race([lost, this.#options.onConnected?.(session) ?? Promise.resolve()]);
  }

  #becomeConnected(session: RpcSession<Context>): void {
    if (this.#state === 'closed') return;
    this.#backoff.reset();
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
    const delayMs = this.#backoff.next();
    this.#cancelDelay = this.#clock.after(delayMs, () => this.retryNow());
    announce(delayMs);
  }
}
