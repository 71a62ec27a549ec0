/**
 * Decodes the 16-byte messages of the signal link (messages.ts) from bytes that arrive in pieces of
 * any size. Used by both kinds of link. Pure, and allocates nothing per message.
 *
 * An invalid message stops the decoder for good, with one reason: the message boundaries of such a
 * stream are lost.
 */
import { FIRST_INTERNAL_KIND, kindName, LAST_KIND, MESSAGE_BYTES, type MessageKind } from './messages.js';

export type MessageHandler = (kind: MessageKind, value: number, detail: number) => void;

/** High words above this make a value larger than 2^53 - 1. */
const HIGH_WORD_MAX = 0x1f_ffff;
const TWO_TO_32 = 2 ** 32;

export class MessageDecoder {
  readonly #onMessage: MessageHandler;
  readonly #lastKind: number;
  readonly #partial = new Uint8Array(MESSAGE_BYTES);
  #partialBytes = 0;
  #problem: string | undefined;
  #stopped = false;

  /** `internal`: also deliver the kinds that only link implementations use. */
  constructor(onMessage: MessageHandler, internal = false) {
    this.#onMessage = onMessage;
    this.#lastKind = internal ? LAST_KIND : FIRST_INTERNAL_KIND - 1;
  }

  /** The reason why decoding stopped; undefined before. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Bytes of an unfinished message, 0 to 15. */
  get partialBytes(): number {
    return this.#partialBytes;
  }

  /** Ends the delivery of messages, also from the chunk that is being decoded. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * Decodes the first `length` bytes; the caller may reuse the chunk afterwards. Returns false from
   * the first invalid message on.
   */
  push(chunk: Uint8Array, length = chunk.length): boolean {
    let at = 0;
    if (this.#partialBytes > 0) {
      while (at < length && this.#partialBytes < MESSAGE_BYTES) {
        this.#partial[this.#partialBytes++] = chunk[at++] ?? 0;
      }
      if (this.#partialBytes < MESSAGE_BYTES) return this.#problem === undefined;
      this.#partialBytes = 0;
      this.#decode(this.#partial, 0);
    }
    while (at + MESSAGE_BYTES <= length && this.#problem === undefined && !this.#stopped) {
      this.#decode(chunk, at);
      at += MESSAGE_BYTES;
    }
    if (this.#problem !== undefined || this.#stopped) return this.#problem === undefined;
    while (at < length) this.#partial[this.#partialBytes++] = chunk[at++] ?? 0;
    return true;
  }

  #decode(bytes: Uint8Array, at: number): void {
    if (this.#problem !== undefined || this.#stopped) return;
    const kind = word(bytes, at);
    const high = word(bytes, at + 12);
    if (kind < 1 || kind > this.#lastKind) {
      this.#problem = `${kindName(kind)} is not a valid kind of message`;
    } else if (high > HIGH_WORD_MAX) {
      this.#problem = `the value of a ${kindName(kind)} is larger than 2^53 - 1`;
    } else {
      this.#onMessage(kind as MessageKind, high * TWO_TO_32 + word(bytes, at + 8), word(bytes, at + 4));
    }
  }
}

/** A little-endian u32, without a DataView, which would be an allocation per chunk. */
function word(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)) >>>
    0
  );
}
