/**
 * The path of a listening Unix socket: checked, taken over from a server that died, and what the
 * system's errors around it mean. The same for stream and datagram sockets; how to probe for life
 * is passed in.
 */
import { lstat, unlink } from 'node:fs/promises';

import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

/** Whether anybody listens on the socket at a path. In doubt somebody does. */
export type ProbeSocket = (path: string) => Promise<boolean>;

/** Throws BAD_ADDRESS: the system calls would silently use a shortened path. */
export function checkSocketPath(path: string, reservedBytes = 0): void {
  const bytes = Buffer.byteLength(path) + reservedBytes;
  if (!path.startsWith('/') || path.includes('\0')) {
    throw new MirrorflowError('BAD_ADDRESS', `${JSON.stringify(path)} is not the absolute path of a socket`);
  }
  if (bytes <= LIMITS.unixSocketPathBytes) return;
  throw new MirrorflowError(
    'BAD_ADDRESS',
    `the socket path ${path} needs ${bytes} bytes, the system allows ${LIMITS.unixSocketPathBytes}; use a shorter directory`,
    { bytes, allowedBytes: LIMITS.unixSocketPathBytes },
  );
}

/**
 * Makes room for a server at the path: removes the socket of a dead one. Throws ADDRESS_IN_USE when
 * somebody listens there or something else than a socket is in the way.
 */
export async function clearStaleSocket(path: string, probe: ProbeSocket): Promise<void> {
  const before = await statSocket(path);
  if (before === undefined) return;
  // Connecting to a plain file is refused too, so the kind of file is what protects it.
  if (!before.isSocket()) throw inUse(path, 'is there and is not a socket');
  if (await probe(path)) throw inUse(path, 'has a server that is running');
  const after = await statSocket(path);
  if (after === undefined) return;
  // Another server may have taken the path over since the probe.
  if (after.ino !== before.ino || after.dev !== before.dev)
    throw inUse(path, 'was just taken by another server');
  await unlink(path).catch((error: unknown) => {
    if (systemCode(error) !== 'ENOENT') throw socketError('cannot be taken over', path, error);
  });
}

/** A system error around a socket path as one of ours. */
export function socketError(what: string, path: string, error: unknown): MirrorflowError {
  return new MirrorflowError(
    codeFor(systemCode(error)),
    `the socket ${path} ${what}: ${describeError(error)}`,
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

function inUse(path: string, why: string): MirrorflowError {
  return new MirrorflowError('ADDRESS_IN_USE', `the socket path ${path} ${why}`, { path });
}

async function statSocket(path: string): Promise<Awaited<ReturnType<typeof lstat>> | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw socketError('cannot be looked at', path, error);
  }
}
