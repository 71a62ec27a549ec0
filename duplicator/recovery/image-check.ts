/**
 * The check and repair of a mirror's image, the file beside its flow file that holds the newest
 * publication as one block of memory. Called by examine.ts. Opens the image for reading, and maps
 * it for writing to repair it.
 *
 * The image is whole while its generation is even. A publication is published in the ring before it
 * is applied to the image, so an image that was being written is repaired from the newest one in
 * the ring. Publications that were lost between hosts are never applied: the image keeps the one
 * before.
 */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { systemCode } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { mapFile } from '../../protocol/base/files/mapping.js';
import { unsound, type Check } from './checks.js';

const FLOW_SUFFIX = '.flow';

export function imageBeside(flowFile: string): string {
  return join(dirname(flowFile), `${basename(flowFile, FLOW_SUFFIX)}.image`);
}

/** `published`: the count of published buffers after the repair of the ring. */
export function checkImage(file: FlowFile, published: number): Check {
  const path = imageBeside(file.path);
  const problem = shapeProblem(path, file.geometry.payloadCapacity);
  if (problem !== undefined) return unsound('image', `${path} ${problem}`);
  const applied = file.imageApplied;
  const oldest = Math.max(0, published - file.geometry.slotCount);
  const gap = gapAtTheEnd(file, oldest, published);
  // A gap as long as the ring has overwritten the publication before it, which was applied first.
  const current = applied === gap || (gap === oldest && applied < gap && gap < published);
  const whole = file.imageGeneration % 2 === 0;
  if (applied > gap)
    return unsound('image', `it is of sequence ${applied - 1}; the newest publication is ${gap - 1}`);
  if (whole && current)
    return {
      check: 'image',
      state: 'sound',
      text:
        applied === 0
          ? 'nothing was applied to it yet'
          : `it is whole, of sequence ${applied - 1}${gap === published ? '' : '; later publications were lost between hosts'}`,
    };
  const damage = whole ? 'it is older than the newest publication' : 'it was being written';
  const newest = gap - 1;
  if (newest < oldest || !file.holds(newest))
    return unsound('image', `${damage}, and the ring no longer has the newest publication to repair it from`);
  return {
    check: 'image',
    state: 'repairable',
    text: damage,
    repair: () => {
      applyNewest(file, path, newest);
      return `${damage}; it is whole now, of sequence ${newest}`;
    },
  };
}

/**
 * The sequence from which on all publications in the ring were lost between hosts; `published` when
 * the newest was not.
 */
function gapAtTheEnd(file: FlowFile, oldest: number, published: number): number {
  let from = published;
  while (from > oldest && file.isMissing(from - 1)) from -= 1;
  return from;
}

/**
 * Stores an odd generation, the content, the sequence, an even generation: a repair that is cut off
 * leaves an image that is being written, as before.
 */
function applyNewest(file: FlowFile, path: string, sequence: number): void {
  const { payloadCapacity } = file.geometry;
  const size = Math.min(file.slotSize(sequence), payloadCapacity);
  const image = new ImageWriter(file, mapImage(path, payloadCapacity));
  image.apply(file.payloadOf(sequence), [[0, size]], sequence, size, payloadCapacity);
}

/**
 * Maps the image for writing, for the owner of the flow file or its repair. Throws what opening and
 * mapping throw.
 */
export function mapImage(path: string, bytes: number): Buffer {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return mapFile(fd, bytes, 'read-write');
  } finally {
    closeSync(fd);
  }
}

/** Why the file cannot be this mirror's image; undefined when it can. */
function shapeProblem(path: string, bytes: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    return code === 'ENOENT' ? 'does not exist' : `cannot be opened (${code ?? 'no reason given'})`;
  }
  try {
    const status = fstatSync(fd);
    if (!status.isFile()) return 'is not a regular file';
    return status.size === bytes ? undefined : `has ${status.size} bytes; expected ${bytes}`;
  } finally {
    closeSync(fd);
  }
}
