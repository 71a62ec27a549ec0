/**
 * The calls of one session that wait for their responses: assigns call ids, settles each call by
 * its response, timeout or abort, and bounds their number. Only `session.ts` uses it; the session
 * does the I/O.
 */
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { CallOptions } from './contract.js';
import type { RpcValue } from './values.js';

interface Pending {
  readonly resolve: (value: RpcValue) => void;
  readonly reject: (error: unknown) => void;
  readonly cleanUp: () => void;
}

export class PendingCalls {
  readonly #clock: Clock;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;
  #onEmpty: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#pending.size;
  }

  /**
   * Calls `send` with a new call id and returns the promise of the result. Throws the error of
   * `send`, and LIMIT_REACHED if LIMITS.rpcPendingCalls calls are waiting.
   */
  add(method: string, options: CallOptions, send: (callId: number) => void): Promise<RpcValue> {
    const { timeoutMs = LIMITS.rpcCallTimeoutMs, signal } = options;
    signal?.throwIfAborted();
    if (this.#pending.size >= LIMITS.rpcPendingCalls) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${method}: ${LIMITS.rpcPendingCalls} calls of this session are already waiting for a response`,
        { method, limit: LIMITS.rpcPendingCalls },
      );
    }
    const callId = this.#nextId();
    send(callId);
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        const message = `${method} was not answered within ${timeoutMs} ms`;
        this.#remove(callId)?.reject(new MirrorflowError('TIMED_OUT', message, { method, timeoutMs }));
      });
      const aborted = (): void => this.#remove(callId)?.reject(signal?.reason);
      signal?.addEventListener('abort', aborted, { once: true });
      const cleanUp = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', aborted);
      };
      this.#pending.set(callId, { resolve, reject, cleanUp });
    });
  }

  /** Settles a call with the result or error of `decode`; false if the call is not waiting. */
  settle(callId: number, decode: () => RpcValue): boolean {
    const pending = this.#remove(callId);
    if (pending === undefined) return false;
    try {
      pending.resolve(decode());
    } catch (thrown) {
      pending.reject(thrown);
    }
    return true;
  }

  rejectAll(error: MirrorflowError): void {
    for (const callId of this.#pending.keys()) this.#remove(callId)?.reject(error);
  }

  /** Sets the action that runs whenever the last waiting call has been settled. */
  onEmpty(action: () => void): void {
    this.#onEmpty = action;
  }

  #remove(callId: number): Pending | undefined {
    const pending = this.#pending.get(callId);
    if (pending === undefined) return undefined;
    this.#pending.delete(callId);
    pending.cleanUp();
    if (this.#pending.size === 0) this.#onEmpty?.();
    return pending;
  }

  /** Ids repeat after 2^32 calls; the id of a waiting call is skipped. */
  #nextId(): number {
    do {
      this.#lastId = (this.#lastId + 1) >>> 0;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}
