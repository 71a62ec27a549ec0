/**
 * The path of a listening Unix socket: checks its length, removes the socket of a dead server and
 * translates system errors. Shared by stream-link.ts and datagram-link.ts, which pass in how to
 * probe for a listener. Examines and removes socket files.
 */
import { lstat, unlink } from 'node:fs/promises';

import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

/** Whether a process listens on the socket at a path; true in doubt. */
export type ProbeSocket = (path: string) => Promise<boolean>;

/** Throws BAD_ADDRESS for a path that is too long, which system calls would silently truncate. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new MirrorflowError('BAD_ADDRESS', `${JSON.stringify(path)} is not an absolute socket path`);
  }
  if (bytes <= LIMITS.unixSocketPathBytes) return;
  throw new MirrorflowError(
    'BAD_ADDRESS',
    `the socket path ${path} needs ${bytes} bytes, the system allows ${LIMITS.unixSocketPathBytes}; use a shorter directory`,
    { bytes, allowedBytes: LIMITS.unixSocketPathBytes },
  );
}

/**
 * Removes the socket of a dead server at the path. Throws ADDRESS_IN_USE when a process listens on
 * it, or when the path is another kind of file.
 */
export async function clearStaleSocket(path: string, probe: ProbeSocket): Promise<void> {
  const before = await statSocket(path);
  if (before === undefined) return;
  // A connection to a plain file is refused too: only the file type distinguishes it from a socket.
  if (!before.isSocket()) throw addressInUse(path, 'exists and is not a socket');
  if (await probe(path)) throw addressInUse(path, 'belongs to a running server');
  const after = await statSocket(path);
  if (after === undefined) return;
  // Another server may have claimed the path since the probe.
  if (after.ino !== before.ino || after.dev !== before.dev)
    throw addressInUse(path, 'was just claimed by another server');
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw socketError('cannot be replaced', path, error);
  });
}

/** A system error about a socket path as a MirrorflowError. */
export function socketError(problem: string, path: string, error: unknown): MirrorflowError {
  return new MirrorflowError(
    codeFor(systemCode(error)),
    `the socket ${path} ${problem}: ${describeError(error)}`,
    { path },
    error,
  );
}

function codeFor(code: string | undefined): ErrorCode {
  switch (code) {
    case 'ENOENT':
    case 'ECONNREFUSED':
      return 'NOT_RUNNING';
    case 'EACCES':
    case 'EPERM':
      return 'NOT_PERMITTED';
    case 'EADDRINUSE':
      return 'ADDRESS_IN_USE';
    case 'EMFILE':
    case 'ENFILE':
      return 'LIMIT_REACHED';
    case 'ENOSPC':
      return 'NO_SPACE';
    default:
      return 'TRANSPORT_ERROR';
  }
}

function addressInUse(path: string, problem: string): MirrorflowError {
  return new MirrorflowError('ADDRESS_IN_USE', `the socket path ${path} ${problem}`, { path });
}

async function statSocket(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw socketError('cannot be examined', path, error);
  }
}
