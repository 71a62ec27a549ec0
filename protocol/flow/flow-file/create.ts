/**
 * Creates a flow file: the shared-memory ring of one flow's buffers. Only duplicators, the owners
 * of flow files, call this. The file is completed under a temporary name in its directory and then
 * linked into place, so that no other process ever maps an incomplete one.
 */
import { closeSync, unlinkSync } from 'node:fs';
import { claimPath, clearPath, temporaryName } from '../../base/files/claim.js';
import { wallClockNs } from '../../base/clock.js';
import { ownIdentity } from '../../base/owner-identity.js';
import { createAllocated, type FileAccess } from '../../base/files/allocate.js';
import { FlowFile } from './flow-file.js';
import { geometryOf } from './geometry.js';
import { encodeIdentity, type FlowIdentity } from './identity.js';
import { FLOW_FILE_MAGIC, FLOW_FILE_VERSION, HEADER, HEADER_BYTES } from './layout.js';
import { mapFile } from '../../base/files/mapping.js';
import { inspectFlowFile } from './open.js';
import { Words } from './words.js';

export interface FlowFileOptions extends FileAccess {
  readonly path: string;
  readonly identity: FlowIdentity;
  readonly slotCount: number;
  /** Largest size of a buffer, bytes. */
  readonly payloadCapacity: number;
  /** Bits of FLOW_FLAGS. */
  readonly flags: number;
  /** First epoch; larger than every earlier epoch of this flow. */
  readonly epoch: number;
}

/**
 * Creates a flow file and maps it for writing. Replaces the file of a dead owner. Throws FILE_OWNED
 * when a living process owns the file at this path, TOO_LARGE and NO_SPACE with the sizes; after an
 * error no file is left behind and a living owner's file is unchanged.
 */
export function createFlowFile(options: FlowFileOptions): FlowFile {
  const geometry = geometryOf(options.slotCount, options.payloadCapacity);
  const owner = ownIdentity();
  const identity = encodeIdentity(options.identity, owner.bootId ?? '');
  clearPath(options.path, inspectFlowFile);
  const temporary = temporaryName(options.path);
  const fd = createAllocated(temporary, geometry.fileBytes, options);
  let bytes: Buffer;
  try {
    bytes = mapFile(fd, geometry.fileBytes, 'read-write');
  } catch (error) {
    unlinkSync(temporary);
    throw error;
  } finally {
    closeSync(fd);
  }
  const words = new Words(bytes);
  bytes.write(FLOW_FILE_MAGIC, HEADER.magic, 'latin1');
  words.store32(HEADER.headerBytes, HEADER_BYTES);
  words.store32(HEADER.slotCount, geometry.slotCount);
  words.store32(HEADER.slotStride, geometry.slotStride);
  words.store32(HEADER.payloadCapacity, geometry.payloadCapacity);
  words.store32(HEADER.flags, options.flags);
  words.store64(HEADER.createdNs, Number(wallClockNs()));
  words.store32(HEADER.ownerPid, owner.pid);
  words.store64(HEADER.ownerStartTicks, Number(owner.startTicks));
  words.store64(HEADER.epoch, options.epoch);
  words.store32(HEADER.identityLength, identity.length);
  identity.copy(bytes, HEADER.identity);
  words.store32(HEADER.version, FLOW_FILE_VERSION);
  claimPath(options.path, temporary, inspectFlowFile);
  return new FlowFile(options.path, bytes, geometry, options.identity, owner, options.flags);
}
