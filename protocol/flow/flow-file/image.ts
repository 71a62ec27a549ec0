/**
 * The image of a mirror flow: a file that is the newest publication byte for byte from offset 0,
 * brought up to date in place.
 *
 * Its owner compares each new buffer with it block by block and copies only blocks that differ, so
 * comparing and updating is one pass. Two words in the flow file's header, the generation (odd
 * while the image is written) and the last sequence applied, tell a reader whether what it read was
 * whole.
 */
import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { temporaryName } from '../../base/files/claim.js';
import { MirrorflowError, describeError, systemCode } from '../../base/errors.js';
import { createAllocated, type FileAccess } from '../../base/files/allocate.js';
import type { FlowFile } from './flow-file.js';
import { mapFile } from '../../base/files/mapping.js';

export const IMAGE_BLOCK_BYTES = 4096;
/**
 * Blocks compared at once where nothing changed: a call per block would cost more than the
 * comparison.
 */
const BLOCKS_AT_ONCE = 64;

/**
 * Creates the image file, zero and fully allocated, mapped for its one writer, who owns the flow
 * file already: what stands at the path is a dead predecessor's and is removed first, so that its
 * space can be had.
 */
export function createImage(path: string, bytes: number, access: FileAccess): Buffer {
  rmSync(path, { force: true });
  const temporary = temporaryName(path);
  const fd = createAllocated(temporary, bytes, access);
  try {
    const image = mapFile(fd, bytes, 'read-write');
    renameSync(temporary, path);
    return image;
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/**
 * Maps an image for reading. Throws NOT_A_MIRROR when there is none and NOT_PERMITTED when it may
 * not be read.
 */
export function openImage(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT')
      throw new MirrorflowError('NOT_A_MIRROR', `there is no image ${path}`, { path }, error);
    if (code === 'EACCES')
      throw new MirrorflowError('NOT_PERMITTED', `${path} may not be read`, { path }, error);
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${path} cannot be opened: ${describeError(error)}`,
      { path },
      error,
    );
  }
  try {
    return mapFile(fd, fstatSync(fd).size, 'read');
  } finally {
    closeSync(fd);
  }
}

/**
 * Where `next` differs from the image, in blocks: a list of [first, end) byte ranges, ascending,
 * merged when adjacent.
 */
export type ChangedRanges = readonly (readonly [number, number])[];

/**
 * Compares bytes [from, to) of `next` with the image, on the grid of blocks from offset 0. Both are
 * whole memories. Pure.
 */
export function changedRanges(image: Buffer, next: Buffer, from: number, to: number): ChangedRanges {
  const ranges: [number, number][] = [];
  for (let start = from; start < to; start = gridEnd(start, IMAGE_BLOCK_BYTES * BLOCKS_AT_ONCE, to)) {
    const end = gridEnd(start, IMAGE_BLOCK_BYTES * BLOCKS_AT_ONCE, to);
    if (image.compare(next, start, end, start, end) === 0) continue;
    for (let block = start; block < end; block = gridEnd(block, IMAGE_BLOCK_BYTES, end)) {
      const blockEnd = gridEnd(block, IMAGE_BLOCK_BYTES, end);
      if (image.compare(next, block, blockEnd, block, blockEnd) === 0) continue;
      const last = ranges.at(-1);
      if (last !== undefined && last[1] === block) last[1] = blockEnd;
      else ranges.push([block, blockEnd]);
    }
  }
  return ranges;
}

/** The end of the grid cell that `start` lies in, or `to` if that comes first. */
function gridEnd(start: number, cell: number, to: number): number {
  return Math.min((Math.floor(start / cell) + 1) * cell, to);
}

/** Makes the image what `next` is, which differs in these ranges. */
export type ImageUpdate = (image: Buffer, next: Buffer, ranges: ChangedRanges) => void;

function copyRanges(image: Buffer, next: Buffer, ranges: ChangedRanges): void {
  for (const [start, end] of ranges) next.copy(image, start, start, end);
}

/** The writing side of an image, for the flow file's owner. */
export class ImageWriter {
  readonly #file: FlowFile;
  readonly #image: Buffer;

  constructor(file: FlowFile, image: Buffer) {
    this.#file = file;
    this.#image = image;
  }

  get bytes(): Buffer {
    return this.#image;
  }

  /**
   * Copies the ranges of `next` into the image as publication `sequence`.
   * @param size bytes that `next` defines; what the image held beyond, up to `previousSize`, becomes zero
   * @param update copies the ranges; one that knows the data may choose the order
   */
  apply(
    next: Buffer,
    ranges: ChangedRanges,
    sequence: number,
    size: number,
    previousSize: number,
    update: ImageUpdate = copyRanges,
  ): void {
    const file = this.#file;
    const found = file.imageGeneration;
    const writing = found % 2 === 0 ? found + 1 : found; // odd already: whoever wrote before died at it
    file.imageGeneration = writing;
    update(this.#image, next, ranges);
    if (previousSize > size) this.#image.fill(0, size, previousSize);
    file.imageApplied = sequence + 1;
    file.imageGeneration = writing + 1;
  }
}

/**
 * Generation and sequence of the image as a reader sees them; `generation` is odd while the image
 * is being written.
 */
export function imageState(file: FlowFile): { generation: number; sequence: number | undefined } {
  const applied = file.imageApplied;
  return {
    generation: file.imageGeneration,
    sequence: applied === 0 ? undefined : applied - 1,
  };
}
