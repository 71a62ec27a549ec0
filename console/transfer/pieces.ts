/**
 * Cuts a stream of bytes into pieces that fit the buffers of a flow: as the bytes arrive, as blocks
 * of one size, or as whole lines.
 *
 * `mirrorflow send` uses it. The pieces together are exactly the bytes that were pushed. Pure: no
 * I/O.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';

const NEWLINE = 10;
const LINE_SHOWN_CHARACTERS = 40;

export interface Packer {
  /**
   * Yields pieces of 1 byte up to the buffer's size. A piece is valid until the next one is
   * requested. The caller must not change `chunk` before the last piece was requested.
   */
  push(chunk: Uint8Array): Generator<Uint8Array, void>;
  /** Yields the rest at the end of the input. */
  end(): Generator<Uint8Array, void>;
}

/**
 * Pieces of at most `size` bytes. With `exact` every piece but the last has exactly `size` bytes;
 * otherwise bytes are yielded as soon as they are pushed.
 */
export class BlockPacker implements Packer {
  readonly #buffer: Buffer;
  readonly #exact: boolean;
  #length = 0;

  constructor(size: number, exact: boolean) {
    this.#buffer = Buffer.allocUnsafe(size);
    this.#exact = exact;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const size = this.#buffer.length;
    for (let at = 0; at < chunk.length;) {
      const left = chunk.length - at;
      if (this.#length === 0 && (left >= size || !this.#exact)) {
        const piece = chunk.subarray(at, at + size);
        at += piece.length;
        yield piece;
        continue;
      }
      const part = chunk.subarray(at, at + size - this.#length);
      this.#buffer.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
      if (this.#length === size) yield* this.end();
    }
  }

  *end(): Generator<Uint8Array, void> {
    if (this.#length === 0) return;
    const piece = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    yield piece;
  }
}

/** Pieces of whole lines, as many as have arrived and fit; the newline belongs to its line. */
export class LinePacker implements Packer {
  readonly #buffer: Buffer;
  readonly #split: boolean;
  #length = 0;
  #lines = 0;

  /**
   * With `split` a line longer than `size` bytes is cut; otherwise it throws TOO_LARGE with the
   * line's number.
   */
  constructor(size: number, split: boolean) {
    this.#buffer = Buffer.allocUnsafe(size);
    this.#split = split;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array, void> {
    const size = this.#buffer.length;
    for (let at = 0; at < chunk.length;) {
      if (this.#length === size) {
        yield* this.#wholeLines();
        if (this.#length === size) yield* this.#tooLong();
      }
      const part = chunk.subarray(at, at + size - this.#length);
      this.#buffer.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
    }
    yield* this.#wholeLines();
  }

  *end(): Generator<Uint8Array, void> {
    if (this.#length === 0) return;
    const piece = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    yield piece;
  }

  *#wholeLines(): Generator<Uint8Array, void> {
    const completeBytes = this.#length === 0 ? 0 : this.#buffer.lastIndexOf(NEWLINE, this.#length - 1) + 1;
    if (completeBytes === 0) return;
    const lines = this.#buffer.subarray(0, completeBytes);
    for (let at = lines.indexOf(NEWLINE); at >= 0; at = lines.indexOf(NEWLINE, at + 1)) this.#lines += 1;
    yield lines;
    this.#buffer.copyWithin(0, completeBytes, this.#length);
    this.#length -= completeBytes;
  }

  *#tooLong(): Generator<Uint8Array, void> {
    if (this.#split) return yield* this.end();
    const line = this.#lines + 1;
    const start = this.#buffer.toString('utf8', 0, LINE_SHOWN_CHARACTERS);
    throw new MirrorflowError(
      'TOO_LARGE',
      `line ${line} (${JSON.stringify(start)}…) is longer than a buffer of ${this.#buffer.length} bytes`,
      { line, hint: 'give a larger --buffer-size, cut long lines with --split, or send blocks' },
    );
  }
}
