/**
 * A file that grows by whole pieces: a piece that could not be written wholly, as on a full disk,
 * is cut off again. `TrendStore` writes with it. Opens one file, which `close` closes.
 */
import { closeSync, constants, ftruncateSync, openSync, writeSync } from 'node:fs';
import { MirrorflowError } from '../../../protocol/base/errors.js';

/** Writes at a position; returns how many bytes it wrote. */
export type WriteAt = (fd: number, bytes: Uint8Array, position: number) => number;

const MODE = 0o640;

export class AppendedFile {
  readonly #fd: number;
  readonly #writeAt: WriteAt;
  #bytes: number;

  /** What the file has behind `bytes` is cut off. Throws the system's errors. */
  constructor(path: string, bytes: number, writeAt: WriteAt = writeWhole) {
    this.#writeAt = writeAt;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, MODE);
    this.#bytes = bytes;
    try {
      ftruncateSync(this.#fd, bytes);
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  /** Throws NO_SPACE after a part, and the system's errors; the file is as before then. */
  append(piece: Uint8Array): void {
    let written = 0;
    try {
      written = this.#writeAt(this.#fd, piece, this.#bytes);
    } finally {
      if (written < piece.length) ftruncateSync(this.#fd, this.#bytes);
    }
    if (written < piece.length) {
      throw new MirrorflowError(
        'NO_SPACE',
        `only ${written} of ${piece.length} bytes were written: the disk is full`,
        { written },
      );
    }
    this.#bytes += piece.length;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function writeWhole(fd: number, bytes: Uint8Array, position: number): number {
  return writeSync(fd, bytes, 0, bytes.length, position);
}
