/**
 * The target of an XML-RPC connection: a TCP host and port, or the path of a Unix socket. Listens
 * on a target for the HTTP and session servers, and builds the errors of listening and connecting.
 * Creates, probes, moves and removes socket files.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { dirname } from 'node:path';
import { describeError, MirrorflowError, systemCode, type ErrorCode } from '../../base/errors.js';
import { bindPrivately } from '../../base/files/bind-privately.js';
import { LIMITS } from '../../base/limits.js';

/** Port 0 listens on any free port; `listenOn` returns the target with the actual port. */
export type RpcTarget = { readonly host: string; readonly port: number } | { readonly path: string };

/** Permission bits of a socket file: its owner and group may connect. */
const SOCKET_MODE = 0o660;

export function formatTarget(target: RpcTarget): string {
  if ('path' in target) return `unix:${target.path}`;
  return `tcp://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
}

/**
 * Listens and resolves with the bound target. Replaces a socket file on which no process listens,
 * but no other file. Rejects with ADDRESS_IN_USE, NOT_PERMITTED, BAD_ADDRESS or SYSTEM_ERROR and
 * the remedy. `mode`: permission bits of the socket file.
 */
export async function listenOn(server: Server, target: RpcTarget, mode = SOCKET_MODE): Promise<RpcTarget> {
  checkPath(target);
  try {
    await listenOnce(server, target);
  } catch (thrown) {
    if (!('path' in target) || systemCode(thrown) !== 'EADDRINUSE' || !(await removeStale(target.path))) {
      throw listenError(target, thrown);
    }
    await listenOnce(server, target).catch((error: unknown) => {
      throw listenError(target, error);
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

/** TRANSPORT_ERROR for a failed attempt to connect. */
export function connectError(target: RpcTarget, thrown: unknown): MirrorflowError {
  const address = formatTarget(target);
  const reason =
    systemCode(thrown) === 'ECONNREFUSED' || systemCode(thrown) === 'ENOENT'
      ? 'no server listens there'
      : describeError(thrown);
  return new MirrorflowError(
    'TRANSPORT_ERROR',
    `cannot connect to ${address}: ${reason}`,
    { address, system: systemCode(thrown) ?? 'none' },
    thrown,
  );
}

/**
 * Throws BAD_ADDRESS for a socket path of a wrong length: some systems truncate a longer path
 * silently, and the socket would get another name.
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
    if ('path' in target) bindPrivately(() => server.listen({ path: target.path }));
    else server.listen({ host: target.host, port: target.port });
  });
}

/**
 * Removes a socket file on which no process listens; false if a process listens or the file is not
 * a socket. The file is renamed and probed again before its removal: if another server has bound
 * the path since the first probe, its file is linked back.
 */
async function removeStale(path: string): Promise<boolean> {
  try {
    if (!lstatSync(path).isSocket() || !(await isRefused(path))) return false;
    const renamed = `${path}~${randomBytes(3).toString('hex')}`;
    if (Buffer.byteLength(renamed) <= LIMITS.unixSocketPathBytes) {
      renameSync(path, renamed);
      if (!(await isRefused(renamed))) {
        linkSync(renamed, path);
        unlinkSync(renamed);
        return false;
      }
      unlinkSync(renamed);
    } else unlinkSync(path);
    return true;
  } catch (thrown) {
    // Another process has removed the file: the path is free, or the next attempt fails.
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
  EACCES: [
    'NOT_PERMITTED',
    'not permitted; ports below 1024 and directories of other users need more rights',
  ],
  EPERM: ['NOT_PERMITTED', 'not permitted; choose another address, or a directory that you own'],
  ENOENT: ['BAD_ADDRESS', 'the directory does not exist; create it, or choose another'],
  ENOTDIR: ['BAD_ADDRESS', 'a part of the path is not a directory'],
  EADDRNOTAVAIL: ['BAD_ADDRESS', 'this machine has no such address'],
  ENOTFOUND: ['BAD_ADDRESS', 'the host name cannot be resolved'],
  EROFS: ['NOT_PERMITTED', 'the file system is read-only'],
};

function listenError(target: RpcTarget, thrown: unknown): MirrorflowError {
  const address = formatTarget(target);
  let system = systemCode(thrown) ?? 'none';
  // libuv reports a socket path in a missing directory as EACCES.
  if (system === 'EACCES' && 'path' in target && !existsSync(dirname(target.path))) system = 'ENOENT';
  const [code, reason] = LISTEN_ERRORS[system] ?? ['SYSTEM_ERROR', describeError(thrown)];
  return new MirrorflowError(code, `cannot listen on ${address}: ${reason}`, { address, system }, thrown);
}
