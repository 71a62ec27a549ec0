/**
 * How a stream of bytes becomes buffers of a flow: as it comes, as blocks of one size, or as whole
 * lines. Pure; the pieces joined are always the very bytes that were pushed.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';

const NEWLINE = 10;
const LINE_SHOWN_CHARACTERS = 40;

export interface Packer {
  /**
   * Pieces of 1 byte up to the buffer's size. Each is valid until the next is asked for, and the
   * chunk until the last was.
   */
  push(chunk: Uint8Array): Generator<Uint8Array, void>;
  /** What is left at the end of the input. */
  end(): Generator<Uint8Array, void>;
}

/**
 * `whole`: every piece but the last has exactly `size` bytes; otherwise what was pushed goes out at
 * once.
 */
export class BlockPacker implements Packer {
  readonly #held: Buffer;
  readonly #whole: boolean;
  #length = 0;

  constructor(size: number, whole: boolean) {
    this.#held = Buffer.allocUnsafe(size);
    this.#whole = whole;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const size = this.#held.length;
    for (let at = 0; at < chunk.length;) {
      const left = chunk.length - at;
      if (this.#length === 0 && (left >= size || !this.#whole)) {
        const piece = chunk.subarray(at, at + size);
        at += piece.length;
        yield piece;
        continue;
      }
      const part = chunk.subarray(at, at + size - this.#length);
      this.#held.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length === size) yield* this.end();
    }
  }

  *end(): Generator<Uint8Array, void> {
    if (this.#length === 0) return;
    const piece = this.#held.subarray(0, this.#length);
    this.#length = 0;
    yield piece;
  }
}

/** A piece holds as many whole lines as have come and fit; the newline belongs to its line. */
export class LinePacker implements Packer {
  readonly #held: Buffer;
  readonly #split: boolean;
  #length = 0;
  #lines = 0;

  /**
   * `split`: a line that does not fit a buffer is cut; otherwise it throws TOO_LARGE with its
   * number.
   */
  constructor(size: number, split: boolean) {
    this.#held = Buffer.allocUnsafe(size);
    this.#split = split;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const size = this.#held.length;
    for (let at = 0; at < chunk.length;) {
      if (this.#length === size) {
        yield* this.#wholeLines();
        if (this.#length === size) yield* this.#tooLong();
      }
      const part = chunk.subarray(at, at + size - this.#length);
      this.#held.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
    }
    yield* this.#wholeLines();
  }

  *end(): Generator<Uint8Array, void> {
    if (this.#length === 0) return;
    const piece = this.#held.subarray(0, this.#length);
    this.#length = 0;
    yield piece;
  }

  *#wholeLines(): Generator<Uint8Array, void> {
    const whole = this.#length === 0 ? 0 : this.#held.lastIndexOf(NEWLINE, this.#length - 1) + 1;
    if (whole === 0) return;
    const lines = this.#held.subarray(0, whole);
    for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) this.#lines += 1;
    yield lines;
    this.#held.copyWithin(0, whole, this.#length);
    this.#length -= whole;
  }

  *#tooLong(): Generator<Uint8Array, void> {
    if (this.#split) return yield* this.end();
    const line = this.#lines + 1;
    const begin = this.#held.toString('utf8', 0, LINE_SHOWN_CHARACTERS);
    throw new MirrorflowError(
      'TOO_LARGE',
      `line ${line} (${JSON.stringify(begin)}…) is longer than a buffer of ${this.#held.length} bytes`,
      { line, hint: 'give a larger --buffer-size, cut long lines with --split, or send blocks' },
    );
  }
}
