/**
 * The quick check of a dead owner's flow file, by the duplicator that is about to take it over
 * (obtain-file.ts). Nearly every such file is sound, and starting the recovery program, which also
 * repairs, takes longer than the rest of a take-over.
 *
 * Opens the file for reading and maps nothing: header and ring are read into a copy, so that a
 * damaged or truncated file cannot end this process with SIGBUS.
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
 * Times that a changing ring is read again: a provider that has not noticed the death of its
 * duplicator writes until its credit is used up.
 */
const ATTEMPTS_MAX = 10;
const ATTEMPT_INTERVAL_MS = 1;
/**
 * A file up to this size is read whole, in a millisecond or two; of a larger file only the metadata
 * of each slot.
 */
const WHOLE_BYTES_MAX = 4 * 2 ** 20;
/** Reading the metadata of so many slots one by one takes some milliseconds. */
const SLOTS_MAX = 4_096;
/** Largest copy in address space; parts that are not read take no memory. */
const COPY_BYTES_MAX = 256 * 2 ** 20;

/**
 * The report of a sound file; undefined for a file that is damaged, too large for the quick check,
 * or of a living owner.
 */
export function inspectDeadFile(path: string): RecoveryReport | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const timer = new Int32Array(new SharedArrayBuffer(4));
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (attempt > 0) Atomics.wait(timer, 0, 0, ATTEMPT_INTERVAL_MS);
      const file = readCopy(fd, path);
      if (file === undefined) return undefined;
      const report = judge(file);
      if (report.verdict === 'sound' && report.owner?.alive === false && isUnchanged(fd, file)) return report;
    }
    return undefined;
  } catch (error) {
    // The recovery program reports the cause.
    if (isMirrorflowError(error) || systemCode(error) !== undefined) return undefined;
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * The file's header and slots as a copy in memory; undefined when it is too large or too short.
 * Throws FILE_CORRUPT and VERSION_MISMATCH.
 */
function readCopy(fd: number, path: string): FlowFile | undefined {
  const header = Buffer.alloc(HEADER_BYTES);
  const status = fstatSync(fd);
  if (!status.isFile() || readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return undefined;
  const { geometry, identity, owner, flags } = checkHeader(header, status.size, path);
  const { fileBytes, slotCount } = geometry;
  if (fileBytes > COPY_BYTES_MAX || (fileBytes > WHOLE_BYTES_MAX && slotCount > SLOTS_MAX)) return undefined;
  const copy = Buffer.alloc(fileBytes);
  header.copy(copy);
  if (!readRing(fd, copy, geometry)) return undefined;
  return new FlowFile(path, copy, geometry, identity, owner, flags);
}

/** Returns false when the file is shorter than its header claims. */
function readRing(fd: number, copy: Buffer, geometry: Geometry): boolean {
  const { fileBytes, slotCount } = geometry;
  const read = (from: number, bytes: number): boolean => readSync(fd, copy, from, bytes, from) === bytes;
  if (fileBytes <= WHOLE_BYTES_MAX) return read(HEADER_BYTES, fileBytes - HEADER_BYTES);
  for (let slot = 0; slot < slotCount; slot += 1) {
    if (!read(slotOffset(geometry, slot), SLOT_METADATA_BYTES)) return false;
  }
  return true;
}

/** Whether nothing was published, granted or claimed since the copy was begun. */
function isUnchanged(fd: number, file: FlowFile): boolean {
  const header = Buffer.alloc(HEADER_BYTES);
  if (readSync(fd, header, 0, HEADER_BYTES, 0) < HEADER_BYTES) return false;
  const now = new FlowFile(file.path, header, file.geometry, file.identity, file.owner, file.flags);
  return now.published === file.published && now.granted === file.granted && now.claimed === file.claimed;
}
