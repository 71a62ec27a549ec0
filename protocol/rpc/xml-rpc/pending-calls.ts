/** The calls of one session that wait for their response, each with its timeout. */
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { CallOptions } from './contract.js';
import type { RpcValue } from './values.js';

interface Pending {
  readonly resolve: (value: RpcValue) => void;
  readonly reject: (error: unknown) => void;
  readonly forget: () => void;
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
   * Sends a call under a new id and gives the promise of its result. Throws what `send` throws, and
   * LIMIT_REACHED when LIMITS.rpcPendingCalls wait already.
   */
  add(method: string, options: CallOptions, send: (callId: number) => void): Promise<RpcValue> {
    const { timeoutMs = LIMITS.rpcCallTimeoutMs, signal } = options;
    signal?.throwIfAborted();
    if (this.#pending.size >= LIMITS.rpcPendingCalls) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${method}: ${LIMITS.rpcPendingCalls} calls of this session wait for an answer already`,
        { method, limit: LIMITS.rpcPendingCalls },
      );
    }
    const callId = this.#nextId();
    send(callId);
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        const message = `${method} has not been answered within ${timeoutMs} ms`;
        this.#take(callId)?.reject(new MirrorflowError('TIMED_OUT', message, { method, timeoutMs }));
      });
      const aborted = (): void => this.#take(callId)?.reject(signal?.reason);
      signal?.addEventListener('abort', aborted, { once: true });
      const forget = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', aborted);
      };
      this.#pending.set(callId, { resolve, reject, forget });
    });
  }

  /** Ends a call with what `decode` returns or throws; false for a call that no longer waits. */
  settle(callId: number, decode: () => RpcValue): boolean {
    const pending = this.#take(callId);
    if (pending === undefined) return false;
    try {
      pending.resolve(decode());
    } catch (thrown) {
      pending.reject(thrown);
    }
    return true;
  }

  rejectAll(error: MirrorflowError): void {
    for (const callId of this.#pending.keys()) this.#take(callId)?.reject(error);
  }

  /** `action` runs whenever the last waiting call has ended. */
  onEmpty(action: () => void): void {
    this.#onEmpty = action;
  }

  #take(callId: number): Pending | undefined {
    const pending = this.#pending.get(callId);
    if (pending === undefined) return undefined;
    this.#pending.delete(callId);
    pending.forget();
    if (this.#pending.size === 0) this.#onEmpty?.();
    return pending;
  }

  /** Ids go round after 2^32 calls; one that still waits is passed over. */
  #nextId(): number {
    do {
      this.#lastId = (this.#lastId + 1) >>> 0;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }
}
