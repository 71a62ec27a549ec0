/**
 * The writes and reservations of an output flow that wait for room in its ring, served in the order
 * of their calls. Used by OutputBuffers. Pure: no I/O.
 */
import { abortedError } from '../call-options.js';

interface Waiter {
  /** A reservation: rejected when the flow closes, since it could not be committed any more. */
  readonly isReservation: boolean;
  /** False when there is no room for it. */
  readonly serve: () => boolean;
  readonly reject: (error: unknown) => void;
}

export class WriterQueue {
  readonly #waiters: Waiter[] = [];

  /** Number of waiting writes and reservations. */
  get length(): number {
    return this.#waiters.length;
  }

  /** Serves waiters from the front, as far as there is room. */
  serve(): void {
    while (this.#waiters[0]?.serve() === true) this.#waiters.shift();
  }

  /**
   * Resolves with the first result of `serve` that is not undefined; `serve` is called when all
   * earlier waiters were served. Rejects with what `serve` throws, and with CLOSED when `signal`
   * is aborted.
   */
  wait<T>(serve: () => T | undefined, signal: AbortSignal | undefined, isReservation: boolean): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => signal?.removeEventListener('abort', abort);
      const waiter: Waiter = {
        isReservation,
        serve: () => {
          try {
            const result = serve();
            if (result === undefined) return false;
            settle();
            resolve(result);
          } catch (error) {
            waiter.reject(error);
          }
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
        waiter.reject(abortedError(isReservation ? 'reservation' : 'write', signal));
        this.serve();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiters.push(waiter);
      this.serve();
    });
  }

  /** Rejects all waiters, or only the reservations. */
  reject(error: () => Error, which: 'all' | 'reservations'): void {
    const waiters = this.#waiters.splice(0);
    const isMeant = (waiter: Waiter): boolean => which === 'all' || waiter.isReservation;
    this.#waiters.push(...waiters.filter((waiter) => !isMeant(waiter)));
    for (const waiter of waiters) if (isMeant(waiter)) waiter.reject(error());
  }
}
