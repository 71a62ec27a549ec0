/**
 * Those who wait to write: served in the order in which they came, each when it has room, as long
 * as nobody fills a slot in place.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';

interface Waiter {
  /** A reservation: given up when the flow is closed, since it could not be committed any more. */
  readonly reserves: boolean;
  /** False when there is no room for it. */
  readonly serve: () => boolean;
  readonly reject: (error: Error) => void;
}

export class OutputTurns {
  readonly #waiters: Waiter[] = [];
  readonly #heldUp: () => boolean;

  /** `heldUp`: a slot is being filled in place, which comes first. */
  constructor(heldUp: () => boolean) {
    this.#heldUp = heldUp;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiters.length;
  }

  /** Serves who waits, as far as there is room. */
  serve(): void {
    while (!this.#heldUp() && this.#waiters[0]?.serve() === true) this.#waiters.shift();
  }

  /**
   * Resolves with what `serve` gives when it is this one's turn and it gives something; rejects
   * with the reason of an aborted `signal`.
   */
  wait<T>(serve: () => T | undefined, signal: AbortSignal | undefined, reserves: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const waiter: Waiter = {
        reserves,
        serve: () => {
          const served = serve();
          if (served === undefined) return false;
          settle();
          resolve(served);
          return true;
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const abort = (): void => {
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        const reason: unknown = signal?.reason;
        waiter.reject(
          reason instanceof Error ? reason : new MirrorflowError('CLOSED', 'the wait was given up'),
        );
        this.serve();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      this.serve();
    });
  }

  /** Rejects all that wait, or only the reservations. */
  reject(error: () => Error, which: 'all' | 'reservations'): void {
    const waiters = this.#waiters.splice(0);
    const meant = (waiter: Waiter): boolean => which === 'all' || waiter.reserves;
    this.#waiters.push(...waiters.filter((waiter) => !meant(waiter)));
    for (const waiter of waiters) if (meant(waiter)) waiter.reject(error());
  }
}
