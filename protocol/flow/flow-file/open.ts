/**
 * Opens the flow file of another process, the shared-memory ring of a flow's buffers, after a check
 * of its header (header.ts). Called by providers, consumers, servers that show flows, and recovery.
 * Opens and maps files; creates and changes none.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ClaimState } from '../../base/files/claim.js';
import { MirrorflowError, describeError, isMirrorflowError, systemCode } from '../../base/errors.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';
import { FlowFile } from './flow-file.js';
import { checkHeader, corruptFile, ownerIn, type CheckedHeader } from './header.js';
import { HEADER_BYTES } from './layout.js';
import { mapFile } from '../../base/files/mapping.js';

/** A named pipe at the path must not block the process; a symbolic link is not followed. */
const OPEN_SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Maps the flow file at `path`. A consumer maps it `read`, a provider `read-write`; the file's
 * permissions decide. Throws UNKNOWN_FLOW when there is none, NOT_PERMITTED, VERSION_MISMATCH with
 * both versions, FILE_CORRUPT with the defect.
 */
export function openFlowFile(path: string, access: 'read' | 'read-write'): FlowFile {
  return open(path, access, 'whole');
}

/**
 * As `openFlowFile` for reading, but maps the header only: state, counts and identity. For callers
 * that read no buffers, since the garbage collector counts mapped bytes as memory and would run
 * more often than needed.
 */
export function openFlowHeader(path: string): FlowFile {
  return open(path, 'read', 'header');
}

/**
 * A copy of the header as it is now: for servers, which a provider that truncates its flow file
 * must not end with SIGBUS. Throws as `openFlowFile`.
 */
export function readFlowHeader(path: string): FlowFile {
  const fd = openFile(path, 'read');
  try {
    const { geometry, identity, owner, flags, header } = readHeader(fd, path);
    return new FlowFile(path, header, geometry, identity, owner, flags);
  } finally {
    closeSync(fd);
  }
}

function openFile(path: string, access: 'read' | 'read-write'): number {
  try {
    return openSync(path, (access === 'read' ? constants.O_RDONLY : constants.O_RDWR) | OPEN_SAFELY);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT')
      throw new MirrorflowError('UNKNOWN_FLOW', `there is no flow file ${path}`, { path }, error);
    if (code === 'EACCES' || code === 'EPERM') {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        `${path} may not be opened: ask its owner for access to the group`,
        { path },
        error,
      );
    }
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${path} cannot be opened: ${describeError(error)}`,
      { path },
      error,
    );
  }
}

function open(path: string, access: 'read' | 'read-write', extent: 'whole' | 'header'): FlowFile {
  const fd = openFile(path, access);
  try {
    const { geometry, identity, owner, flags } = readHeader(fd, path);
    const bytes = mapFile(fd, extent === 'whole' ? geometry.fileBytes : HEADER_BYTES, access);
    return new FlowFile(path, bytes, geometry, identity, owner, flags);
  } finally {
    closeSync(fd);
  }
}

/**
 * The owner of the flow file at `path`, for a process that claims the path. A file that is no flow
 * file has no owner; a file of another layout version has one, since the owner's fields have the
 * same offsets in every version. Throws SYSTEM_ERROR when the file cannot be read.
 */
export function inspectFlowFile(path: string): ClaimState {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | OPEN_SAFELY);
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT') return { kind: 'free' };
    if (code === 'ELOOP') return { kind: 'dead' }; // a symbolic link
    throw new MirrorflowError(
      'SYSTEM_ERROR',
      `${path} cannot be examined: ${describeError(error)}`,
      { path },
      error,
    );
  }
  try {
    const owner = readOwner(fd, path);
    return isAlive(owner) ? { kind: 'owned', pid: owner.pid } : { kind: 'dead' };
  } catch (error) {
    if (isMirrorflowError(error, 'FILE_CORRUPT')) return { kind: 'dead' };
    throw error;
  } finally {
    closeSync(fd);
  }
}

function readOwner(fd: number, path: string): OwnerIdentity {
  try {
    return readHeader(fd, path).owner;
  } catch (error) {
    if (!isMirrorflowError(error, 'VERSION_MISMATCH')) throw error;
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, HEADER_BYTES, 0);
    return ownerIn(header, undefined);
  }
}

function readHeader(fd: number, path: string): CheckedHeader & { readonly header: Buffer } {
  const header = Buffer.alloc(HEADER_BYTES);
  const status = fstatSync(fd);
  if (!status.isFile()) throw corruptFile(path, 'it is no regular file');
  const { size } = status;
  if (size < HEADER_BYTES || readSync(fd, header, 0, HEADER_BYTES, 0) !== HEADER_BYTES) {
    throw corruptFile(path, `it has ${size} bytes, fewer than the ${HEADER_BYTES} of a header`);
  }
  return { ...checkHeader(header, size, path), header };
}
