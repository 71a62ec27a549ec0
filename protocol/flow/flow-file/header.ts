/**
 * Checks the header of a flow file before the file is mapped or judged: another process wrote it,
 * and it may be damaged. Called when a flow file is opened (open.ts) and by the recovery of files
 * of dead duplicators. Pure: bytes in, facts or an error out.
 */
import { MirrorflowError, describeError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { OwnerIdentity } from '../../base/owner-identity.js';
import { geometryOf, type Geometry } from './geometry.js';
import { decodeIdentity, type DecodedIdentity } from './identity.js';
import { FLOW_FILE_MAGIC, FLOW_FILE_VERSION, HEADER, HEADER_BYTES } from './layout.js';

export interface CheckedHeader {
  readonly geometry: Geometry;
  readonly identity: DecodedIdentity;
  readonly owner: OwnerIdentity;
  readonly flags: number;
}

/**
 * `header`: the first HEADER_BYTES of the file at `path`, which has `size` bytes. Throws
 * VERSION_MISMATCH with both versions, FILE_CORRUPT with the defect.
 */
export function checkHeader(header: Buffer, size: number, path: string): CheckedHeader {
  const corrupt = (defect: string): MirrorflowError => corruptFile(path, defect);
  if (header.toString('latin1', HEADER.magic, HEADER.magic + FLOW_FILE_MAGIC.length) !== FLOW_FILE_MAGIC) {
    throw corrupt('it does not begin with the magic word');
  }
  const version = header.readUInt32LE(HEADER.version);
  if (version === 0) throw corrupt('it was never completed');
  if (version !== FLOW_FILE_VERSION) {
    throw new MirrorflowError(
      'VERSION_MISMATCH',
      `${path} has layout version ${version}; this program supports version ${FLOW_FILE_VERSION}`,
      { path, found: version, known: FLOW_FILE_VERSION },
    );
  }
  let geometry: Geometry;
  try {
    geometry = geometryOf(header.readUInt32LE(HEADER.slotCount), header.readUInt32LE(HEADER.payloadCapacity));
  } catch (error) {
    throw corrupt(describeError(error));
  }
  if (
    header.readUInt32LE(HEADER.headerBytes) !== HEADER_BYTES ||
    header.readUInt32LE(HEADER.slotStride) !== geometry.slotStride
  ) {
    throw corrupt('its header size or slot stride does not fit its buffers');
  }
  if (size < geometry.fileBytes) throw corrupt(`it has ${size} bytes and needs ${geometry.fileBytes}`);
  const identityLength = header.readUInt32LE(HEADER.identityLength);
  if (identityLength > LIMITS.identityBytes) throw corrupt(`its identity claims ${identityLength} bytes`);
  const identity = decodeIdentity(header.subarray(HEADER.identity, HEADER.identity + identityLength));
  if (identity === undefined) throw corrupt('its identity is not readable');
  const owner = ownerIn(header, identity.bootId === '' ? undefined : identity.bootId);
  return { geometry, identity, owner, flags: header.readUInt32LE(HEADER.flags) };
}

export function corruptFile(path: string, defect: string): MirrorflowError {
  return new MirrorflowError('FILE_CORRUPT', `${path} is no sound flow file: ${defect}`, { path });
}

/** The owner's fields have the same offsets in every version of the layout. */
export function ownerIn(header: Buffer, bootId: string | undefined): OwnerIdentity {
  return {
    pid: header.readUInt32LE(HEADER.ownerPid),
    startTicks: header.readBigUInt64LE(HEADER.ownerStartTicks),
    bootId,
  };
}
