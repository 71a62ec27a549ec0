/**
 * A first look at the flow file of a dead owner, by the one who would take it over. It maps
 * nothing: header and ring are read into memory of its own, so that a damaged or truncated file
 * cannot kill it. All it can say is that everything is sound, as it is nearly always; whatever else
 * it finds is for the recovery program, whose start takes longer than all the rest of a take-over.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { isMirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { slotOffset, type Geometry } from '../../protocol/flow/flow-file/geometry.js';
import { checkHeader } from '../../protocol/flow/flow-file/header.js';
import { HEADER_BYTES, SLOT_METADATA_BYTES } from '../../protocol/flow/flow-file/layout.js';
import type { RecoveryReport } from '../../protocol/host/recovery/report.js';
import { judge } from './examine.js';

/**
 * A provider that has not noticed the death of its duplicator goes on until its credit is used up:
 * a ring that moves is looked at again.
 */
const LOOKS_MAX = 10;
const BETWEEN_LOOKS_MS = 1;
/**
 * A file up to this size is read whole, which takes a millisecond or two; of a larger one the first
 * words of each slot.
 */
const WHOLE_BYTES_MAX = 4 * 2 ** 20;
/** So many slots are read one by one in some milliseconds. */
const SLOTS_MAX = 4_096;
/** Of the memory that stands for the file; what is not read of it is never touched. */
const COPY_BYTES_MAX = 256 * 2 ** 20;

/**
 * The report of a verification that found everything sound; undefined for anything else, also where
 * the look would take long.
 */
export function inspectDeadFile(path: string): RecoveryReport | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const never = new Int32Array(new SharedArrayBuffer(4));
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      if (look > 0) Atomics.wait(never, 0, 0, BETWEEN_LOOKS_MS);
      const file = copyOf(fd, path);
      if (file === undefined) return undefined;
      const report = judge(file);
      if (report.verdict === 'sound' && report.owner?.alive === false && restedMeanwhile(fd, file))
        return report;
    }
    return undefined;
  } catch (error) {
    // The recovery program finds out what that means.
    if (isMirrorflowError(error) || systemCode(error) !== undefined) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * What is judged of the file, in memory. Throws FILE_CORRUPT and VERSION_MISMATCH; undefined when
 * it is too much, or ends too early.
 */
function copyOf(fd: number, path: string): FlowFile | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  const found = fstatSync(fd);
  if (!found.isFile() || readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return undefined;
  const { geometry, identity, owner, flags } = checkHeader(header, found.size, path);
  const { fileBytes, slotCount } = geometry;
  if (fileBytes > COPY_BYTES_MAX || (fileBytes > WHOLE_BYTES_MAX && slotCount > SLOTS_MAX)) return undefined;
  const copy = Buffer.alloc(fileBytes);
  header.copy(copy);
  if (!readRing(fd, copy, geometry)) return undefined;
  return new FlowFile(path, copy, geometry, identity, owner, flags);
}

/** False when the file is shorter than it says. */
function readRing(fd: number, copy: Buffer, geometry: Geometry): boolean {
  const { fileBytes, slotCount } = geometry;
  const read = (from: number, bytes: number): boolean => readSync(fd, copy, from, bytes, from) === bytes;
  if (fileBytes <= WHOLE_BYTES_MAX) return read(HEADER_BYTES, fileBytes - HEADER_BYTES);
  for (let slot = 0; slot < slotCount; slot += 1) {
    if (!read(slotOffset(geometry, slot), SLOT_METADATA_BYTES)) return false;
  }
  return true;
}

/** Nothing was published or granted since the copy was begun. */
function restedMeanwhile(fd: number, file: FlowFile): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return false;
  const now = new FlowFile(file.path, header, file.geometry, file.identity, file.owner, file.flags);
  return now.published === file.published && now.granted === file.granted;
}
