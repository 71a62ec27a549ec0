/**
 * The messages of one end of a signal link that wait while the peer's socket is full. Opening
 * messages keep their order and are few; of counts and states only the newest of each kind waits.
 * So a peer that does not read costs a fixed number of bytes. Used by both kinds of link. Pure.
 */
import { checkMessage, encodeMessage, LAST_KIND, MESSAGE_BYTES, MessageKind } from './messages.js';

/** An opening has two messages each way: a sender that exceeds this limit is faulty. */
const ORDERED_MESSAGES_MAX = 16;

/**
 * Kinds of which only the newest waits, in the order in which they are sent. RESUME shares the
 * place of PAUSE, since only the newer of the two matters.
 */
const COALESCED_KINDS: readonly MessageKind[] = [
  MessageKind.STATUS,
  MessageKind.DELIVERY,
  MessageKind.STALL,
  MessageKind.PAUSE,
  MessageKind.CREDIT,
  MessageKind.ACK,
  MessageKind.PUBLISHED,
];

/** Index of each kind among the coalesced ones; -1 for kinds that wait in order. */
const PLACE = Array.from({ length: LAST_KIND + 1 }, (_, kind) =>
  (COALESCED_KINDS as readonly number[]).indexOf(kind === MessageKind.RESUME ? MessageKind.PAUSE : kind),
);

/** Largest number of bytes that `encodeInto` writes. */
export const SIGNAL_QUEUE_BYTES = (ORDERED_MESSAGES_MAX + COALESCED_KINDS.length) * MESSAGE_BYTES;

interface WaitingMessage {
  readonly kind: MessageKind;
  readonly value: number;
  readonly detail: number;
}

export class SignalQueue {
  readonly #ordered: WaitingMessage[] = [];
  readonly #kinds: MessageKind[] = [...COALESCED_KINDS];
  readonly #values = new Float64Array(COALESCED_KINDS.length);
  readonly #details = new Uint32Array(COALESCED_KINDS.length);
  readonly #isWaiting = new Uint8Array(COALESCED_KINDS.length);
  #coalescedWaiting = 0;

  /** Number of waiting messages. */
  get length(): number {
    return this.#ordered.length + this.#coalescedWaiting;
  }

  /** False when too many opening messages wait already. A RangeError as from `checkMessage`. */
  put(kind: MessageKind, value: number, detail: number): boolean {
    checkMessage(value, detail);
    const place = PLACE[kind] ?? -1;
    if (place < 0) {
      if (this.#ordered.length >= ORDERED_MESSAGES_MAX) return false;
      this.#ordered.push({ kind, value, detail });
      return true;
    }
    this.#kinds[place] = kind;
    this.#values[place] = value;
    this.#details[place] = detail;
    if (this.#isWaiting[place] === 0) {
      this.#isWaiting[place] = 1;
      this.#coalescedWaiting++;
    }
    return true;
  }

  /**
   * Encodes all waiting messages into `target` (SIGNAL_QUEUE_BYTES) and returns the number of
   * bytes. The messages wait on: call `clear` once they are sent.
   */
  encodeInto(target: Buffer): number {
    let bytes = 0;
    for (const message of this.#ordered) {
      encodeMessage(target, bytes, message.kind, message.value, message.detail);
      bytes += MESSAGE_BYTES;
    }
    for (let place = 0; place < COALESCED_KINDS.length; place++) {
      const kind = this.#kinds[place];
      if (this.#isWaiting[place] === 0 || kind === undefined) continue;
      encodeMessage(target, bytes, kind, this.#values[place] ?? 0, this.#details[place] ?? 0);
      bytes += MESSAGE_BYTES;
    }
    return bytes;
  }

  clear(): void {
    this.#ordered.length = 0;
    this.#isWaiting.fill(0);
    this.#coalescedWaiting = 0;
  }
}
