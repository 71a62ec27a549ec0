/**
 * The room of a client's message queue: how many deliveries, and of how many bytes, were accepted
 * and are not handled yet. The messaging thread and the main thread count in the same four words of
 * shared memory. Used by Inbox, MessageThread and MessageReceiver; no I/O.
 *
 * ```
 * byte 0 ┌──────────────┬──────────────┬───────────────┬───────────────┐
 *        │ accepted     │ released     │ acceptedBytes │ releasedBytes │
 *        └──────────────┴──────────────┴───────────────┴───────────────┘
 * ```
 *
 * Counts wrap at 2^32: only their differences are meaningful. `accepted` is also what a main thread
 * waits on: it grows after the delivery was posted.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';

const ACCEPTED = 0;
const RELEASED = 1;
const ACCEPTED_BYTES = 2;
const RELEASED_BYTES = 3;
const WORDS = 4;

export class MessageRoom {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(memory = new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** Deliveries ever accepted, modulo 2^32: to pass to `waitForMore`. */
  get accepted(): number {
    return Atomics.load(this.#words, ACCEPTED);
  }

  /** Throws LIMIT_REACHED when the client's queue has no room for another delivery. */
  check(bytes: number): void {
    const queued = this.#difference(ACCEPTED, RELEASED);
    const queuedBytes = this.#difference(ACCEPTED_BYTES, RELEASED_BYTES);
    if (queued < LIMITS.messagesWaiting && queuedBytes + bytes <= LIMITS.messagesWaitingBytes) return;
    throw new MirrorflowError(
      'LIMIT_REACHED',
      `${queued} messages (${queuedBytes} bytes) are queued for this client already; send again later`,
      { waiting: queued },
    );
  }

  /** A delivery is in the queue: wakes a main thread that waits for one. */
  accept(bytes: number): void {
    Atomics.add(this.#words, ACCEPTED_BYTES, bytes);
    Atomics.add(this.#words, ACCEPTED, 1);
    Atomics.notify(this.#words, ACCEPTED);
  }

  /** A delivery has left the queue: it is being handled, or was dropped. */
  release(bytes: number): void {
    Atomics.add(this.#words, RELEASED_BYTES, bytes);
    Atomics.add(this.#words, RELEASED, 1);
  }

  /** Blocks this thread until more than `accepted` were accepted, or the time is over. */
  waitForMore(accepted: number, timeoutMs: number): void {
    Atomics.wait(this.#words, ACCEPTED, accepted, timeoutMs);
  }

  #difference(more: number, less: number): number {
    // Negative for a moment: a delivery may be released before the other thread has counted it.
    return (Atomics.load(this.#words, more) - Atomics.load(this.#words, less)) | 0;
  }
}
