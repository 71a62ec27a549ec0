/**
 * The check of a mirror's image beside its flow file. An image is whole when its generation is
 * even; one that was being written is made whole again from the newest publication in the ring,
 * which is always published before it is applied. What was lost on the way from another host was
 * never applied: the image stays what came before it.
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

/** `published`: what will be published once the ring is repaired. */
export function checkImage(file: FlowFile, published: number): Check {
  const path = imageBeside(file.path);
  const problem = shapeProblem(path, file.geometry.payloadCapacity);
  if (problem !== undefined) return unsound('image', `${path} ${problem}`);
  const applied = file.imageApplied;
  const oldest = Math.max(0, published - file.geometry.slotCount);
  const gap = gapAtTheEnd(file, oldest, published);
  // What lies before a gap as long as the ring is no longer there to be compared; it was applied
  // before anything was left out.
  const right = applied === gap || (gap === oldest && applied < gap && gap < published);
  const whole = file.imageGeneration % 2 === 0;
  if (applied > gap)
    return unsound('image', `it is of sequence ${applied - 1}, and the newest that is there is ${gap - 1}`);
  if (whole && right)
    return {
      check: 'image',
      state: 'sound',
      text:
        applied === 0
          ? 'nothing was applied to it yet'
          : `it is whole, of sequence ${applied - 1}${gap === published ? '' : '; what came after was lost on the way'}`,
    };
  const what = whole ? 'it is older than the newest publication' : 'it was being written';
  const newest = gap - 1;
  if (newest < oldest || !file.holds(newest))
    return unsound('image', `${what}, and the newest publication is not there to make it whole`);
  return {
    check: 'image',
    state: 'repairable',
    text: what,
    repair: () => {
      bringUpToDate(file, path, newest);
      return `${what}, and is whole now, of sequence ${newest}`;
    },
  };
}

/**
 * The sequence from which on all that is published was lost between hosts, as far as the ring
 * tells; `published` when the newest is there.
 */
function gapAtTheEnd(file: FlowFile, oldest: number, published: number): number {
  let from = published;
  while (from > oldest && file.isMissing(from - 1)) from -= 1;
  return from;
}

/**
 * Odd generation, content, sequence, even generation: cut off anywhere before the last, it is what
 * it was, an image that is being written.
 */
function bringUpToDate(file: FlowFile, path: string, sequence: number): void {
  const { payloadCapacity } = file.geometry;
  const size = Math.min(file.slotSize(sequence), payloadCapacity);
  const image = new ImageWriter(file, mapImage(path, payloadCapacity));
  image.apply(file.payloadOf(sequence), [[0, size]], sequence, size, payloadCapacity);
}

/** Maps the image for writing, for the owner of the flow file or whoever repairs it. */
export function mapImage(path: string, bytes: number): Buffer {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return mapFile(fd, bytes, 'read-write');
  } finally {
    closeSync(fd);
  }
}

function shapeProblem(path: string, bytes: number): string | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const code = systemCode(error);
    return code === 'ENOENT' ? 'is not there' : `cannot be opened (${code ?? 'no reason given'})`;
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) return 'is no regular file';
    return found.size === bytes ? undefined : `has ${found.size} bytes and should have ${bytes}`;
  } finally {
    closeSync(fd);
  }
}
