/**
 * The image of a mirror flow: a file beside the flow file that equals the newest publication (a
 * whole SpecTcl display memory) byte for byte from offset 0 and is updated in place, so that a
 * viewer maps it once and always sees the newest data.
 *
 * A duplicator, its owner, compares each new buffer with the image block by block and copies the
 * blocks that differ. Two fields of the flow file's header, the generation (odd while the image is
 * being written) and the number of the publication applied last, show a reader whether the data it
 * read belong to one publication. Creates, maps and writes image files.
 */
import { closeSync, constants, fstatSync, openSync, renameSync, rmSync, unlinkSync } from 'node:fs';
import { temporaryName } from '../../base/files/claim.js';
import { MirrorflowError, describeError, systemCode } from '../../base/errors.js';
import { createAllocated, type FileAccess } from '../../base/files/allocate.js';
import type { FlowFile } from './flow-file.js';
import { mapFile } from '../../base/files/mapping.js';

export const IMAGE_BLOCK_BYTES = 4096;
/**
 * Blocks compared with one call where nothing changed: a call per block would cost more than the
 * comparison itself.
 */
const BLOCKS_AT_ONCE = 64;

/**
 * Creates the image file, zeroed and fully allocated, and maps it for writing. The caller owns the
 * flow file already, so a file at the path belongs to a dead predecessor: it is removed first,
 * which frees its space.
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
 * Maps an image for reading. Throws NOT_A_MIRROR when there is none, NOT_PERMITTED when its
 * permissions do not allow reading it.
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
 * Blocks in which two memories differ: [first, end) byte ranges, ascending, adjacent ones merged.
 */
export type ChangedRanges = readonly (readonly [number, number])[];

/**
 * Compares bytes [from, to) of `next` with the image, in blocks aligned to offset 0. Both are whole
 * memories. Pure.
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

/** Copies `ranges`, in which `next` and the image differ, from `next` into the image. */
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
   * @param size bytes of `next`; bytes of the image beyond, up to `previousSize`, become zero
   * @param update copies the ranges, in an order that suits the data
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
    const before = file.imageGeneration;
    // Odd already when an earlier writer died during its update.
    const writing = before % 2 === 0 ? before + 1 : before;
    file.imageGeneration = writing;
    update(this.#image, next, ranges);
    if (previousSize > size) this.#image.fill(0, size, previousSize);
    file.imageApplied = sequence + 1;
    file.imageGeneration = writing + 1;
  }
}

/**
 * Generation of the image, odd while it is being written, and the sequence applied to it last
 * (undefined before the first), as a reader sees them.
 */
export function imageState(file: FlowFile): { generation: number; sequence: number | undefined } {
  const applied = file.imageApplied;
  return {
    generation: file.imageGeneration,
    sequence: applied === 0 ? undefined : applied - 1,
  };
}
