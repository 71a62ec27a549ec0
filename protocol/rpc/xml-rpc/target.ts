/**
 * Where XML-RPC is served: a TCP host and port, or the path of a Unix socket. Listening on one,
 * with its errors.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';

/** Port 0 listens on a free port; what was bound says which. */
export type RpcTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** Mode of a socket file: its owner and group may connect. */
const SOCKET_MODE = 0o660;

export function showTarget(target: RpcTarget): string {
  if ('path' in target) return `unix:${target.path}`;
  return `tcp://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

/**
 * Listens and resolves with the target that was bound. A socket file that nobody listens on is
 * replaced, any other file at the path is not. Throws ADDRESS_IN_USE, NOT_PERMITTED, BAD_ADDRESS or
 * SYSTEM_ERROR saying what to do. `mode` is the mode of the socket file.
 */
export async function listenOn(server: Server, target: RpcTarget, mode = SOCKET_MODE): Promise<RpcTarget> {
  checkPath(target);
  try {
    await listenOnce(server, target);
  } catch (thrown) {
    if (!('path' in target) || systemCode(thrown) !== 'EADDRINUSE' || !(await removeStale(target.path))) {
      throw listenError(target, thrown);
    }
    await listenOnce(server, target).catch((again: unknown) => {
      throw listenError(target, again);
    });
  }
  if ('path' in target) {
    chmodSync(target.path, mode);
    return target;
  }
  const address = server.address();
  if (address === null || typeof address === 'string') return target;
  return { host: target.host, port: address.port };
}

/** The error for a connection that could not be made. */
export function connectError(target: RpcTarget, thrown: unknown): MirrorflowError {
  const address = showTarget(target);
  const why =
    systemCode(thrown) === 'ECONNREFUSED' || systemCode(thrown) === 'ENOENT'
      ? 'nobody listens there'
      : describeError(thrown);
  return new MirrorflowError(
    'TRANSPORT_ERROR',
    `cannot connect to ${address}: ${why}`,
    { address, system: systemCode(thrown) ?? 'none' },
    thrown,
  );
}

/**
 * The kernel cuts longer paths silently on some systems, and the socket would appear under another
 * name.
 */
export function checkPath(target: RpcTarget): void {
  if (!('path' in target)) return;
  const pathBytes = Buffer.byteLength(target.path);
  if (pathBytes > 0 && pathBytes <= LIMITS.unixSocketPathBytes && !target.path.includes('\0')) return;
  throw new MirrorflowError(
    'BAD_ADDRESS',
    `the socket path ${JSON.stringify(target.path.slice(0, 200))} has ${pathBytes} bytes; it must have 1 to ${LIMITS.unixSocketPathBytes}: choose a shorter directory`,
    { pathBytes },
  );
}

function listenOnce(server: Server, target: RpcTarget): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      server.off('listening', listening);
      reject(error);
    };
    const listening = (): void => {
      server.off('error', failed);
      resolve();
    };
    server.once('error', failed);
    server.once('listening', listening);
    server.listen('path' in target ? { path: target.path } : { host: target.host, port: target.port });
  });
}

/**
 * Removes a socket file that nobody listens on; false when somebody does, or when it is no socket.
 * It is moved aside and tried again there: a server that took the path since the first try gets it
 * back.
 */
async function removeStale(path: string): Promise<boolean> {
  try {
    if (!lstatSync(path).isSocket() || !(await isRefused(path))) return false;
    const aside = `${path}~${randomBytes(3).toString('hex')}`;
    if (Buffer.byteLength(aside) <= LIMITS.unixSocketPathBytes) {
      renameSync(path, aside);
      if (!(await isRefused(aside))) {
        linkSync(aside, path);
        unlinkSync(aside);
        return false;
      }
      unlinkSync(aside);
    } else unlinkSync(path);
    return true;
  } catch (thrown) {
    // Somebody else has removed it in the meantime: the path is free, or the next try says why not.
    if (systemCode(thrown) === 'ENOENT') return true;
    return false;
  }
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error) => resolve(systemCode(error) === 'ECONNREFUSED'));
  });
}

const LISTEN_ERRORS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  EADDRINUSE: ['ADDRESS_IN_USE', 'another program listens there; stop it, or choose another address'],
  EACCES: ['NOT_PERMITTED', 'not permitted; ports below 1024 and directories of others need more rights'],
  EPERM: ['NOT_PERMITTED', 'not permitted; choose an address or directory of your own'],
  ENOENT: ['BAD_ADDRESS', 'the directory does not exist; create it, or choose another'],
  ENOTDIR: ['BAD_ADDRESS', 'a part of the path is no directory'],
  EADDRNOTAVAIL: ['BAD_ADDRESS', 'this machine has no such address'],
  ENOTFOUND: ['BAD_ADDRESS', 'no such host is known'],
  EROFS: ['NOT_PERMITTED', 'the file system is read-only'],
};

function listenError(target: RpcTarget, thrown: unknown): MirrorflowError {
  const address = showTarget(target);
  let system = systemCode(thrown) ?? 'none';
  // libuv reports a socket path in a missing directory as EACCES.
  if (system === 'EACCES' && 'path' in target && !existsSync(dirname(target.path))) system = 'ENOENT';
  const [code, why] = LISTEN_ERRORS[system] ?? ['SYSTEM_ERROR', describeError(thrown)];
  return new MirrorflowError(code, `cannot listen on ${address}: ${why}`, { address, system }, thrown);
}
