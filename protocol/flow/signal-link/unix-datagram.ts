/**
 * Unix datagram sockets over the addon `unix-dgram`, with its edges taken off: it is never loaded
 * in a worker thread (that aborts the process), paths are never cut, sending tells what became of
 * it as a value, and never uses its `connect` (closing a connected socket in a callback trips an
 * assertion of libuv).
 */
import { unlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { isMainThread } from 'node:worker_threads';

import { MirrorflowError } from '../../base/errors.js';
import { loadNativeAddon } from '../../base/files/native-addon.js';
import { checkSocketPath } from './socket-path.js';

interface SendError {
  /** A negative system error number. */
  readonly errno: number;
}

interface AddonSocket {
  on(event: 'message', listener: (bytes: Buffer, from: { readonly path?: string | null }) => void): void;
  on(event: 'error', listener: (error: SendError) => void): void;
  bind(path: string): void;
  send(
    bytes: Buffer,
    offset: number,
    length: number,
    path: string,
    callback: (error?: SendError) => void,
  ): void;
  close(): void;
}

interface Addon {
  createSocket(type: 'unix_dgram'): AddonSocket;
}

/**
 * `full`: no room at the receiver now. `gone`: nobody has that socket open. `failed`: anything
 * else, see `failure`.
 */
export type SendOutcome = 'sent' | 'full' | 'gone' | 'failed';

/**
 * `from` is the path the sender bound, undefined for a nameless one. The bytes are the handler's.
 */
export type DatagramHandler = (bytes: Buffer, from: string | undefined) => void;

const { EAGAIN, ENOBUFS, ECONNREFUSED, ENOENT } = constants.errno;

let addon: Addon | undefined;
let wakeUpDue = false;

/** Throws BAD_OPTION in a worker thread, before the addon is loaded there. */
export function checkDatagramsUsable(): void {
  if (isMainThread) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    'datagram sockets work in the main thread only (the addon unix-dgram aborts the process in a worker thread); use stream links',
  );
}

/** One socket. It keeps the process alive until it is closed. */
export class UnixDatagramSocket {
  readonly #socket: AddonSocket;
  #error: SendError | undefined;
  #boundPath: string | undefined;
  #closed = false;
  readonly #onSent = (error?: SendError): void => {
    this.#error = error;
  };

  constructor(onDatagram: DatagramHandler = () => {}) {
    checkDatagramsUsable();
    addon ??= loadNativeAddon('unix-dgram') as Addon;
    try {
      this.#socket = addon.createSocket('unix_dgram');
    } catch (error) {
      throw new MirrorflowError('LIMIT_REACHED', 'no datagram socket can be opened', {}, error);
    }
    this.#socket.on('error', this.#onSent);
    this.#socket.on('message', (bytes, from) => {
      if (this.#closed) return;
      onDatagram(bytes, from.path ?? undefined);
      drainSoon();
    });
  }

  /** Why the latest `send` or `bind` failed, for messages. */
  get failure(): string {
    const errno = this.#error?.errno ?? 0;
    const name = Object.entries(constants.errno).find(([, number]) => number === -errno)?.[0];
    return name ?? `system error ${-errno}`;
  }

  /** Creates the socket file. Throws BAD_ADDRESS, ADDRESS_IN_USE, NOT_PERMITTED or SYSTEM_ERROR. */
  bind(path: string): void {
    checkSocketPath(path);
    this.#error = undefined;
    this.#socket.bind(path);
    if (this.#error === undefined) {
      this.#boundPath = path;
      return;
    }
    const name = this.failure;
    const code =
      name === 'EADDRINUSE'
        ? 'ADDRESS_IN_USE'
        : name === 'EACCES' || name === 'EPERM'
          ? 'NOT_PERMITTED'
          : 'SYSTEM_ERROR';
    throw new MirrorflowError(code, `the datagram socket ${path} cannot be created: ${name}`, { path });
  }

  /** One attempt, without waiting. The bytes are free again after the call. */
  send(bytes: Buffer, length: number, path: string): SendOutcome {
    if (this.#closed) return 'gone';
    this.#error = undefined;
    this.#socket.send(bytes, 0, length, path, this.#onSent);
    return outcomeOf(this.#error);
  }

  /** Idempotent. Removes the socket file it created. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    if (this.#boundPath !== undefined) removeSocketFile(this.#boundPath);
  }
}

/** Removes a socket file that may be gone already. */
export function removeSocketFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone, or in a directory that is no longer ours to change: nothing is left to do here.
  }
}

function outcomeOf(error: SendError | undefined): SendOutcome {
  if (error === undefined) return 'sent';
  const number = -error.errno;
  if (number === EAGAIN || number === ENOBUFS) return 'full';
  return number === ECONNREFUSED || number === ENOENT ? 'gone' : 'failed';
}

/**
 * The addon calls back outside of Node's scopes, so that promises settled in a handler would wait
 * for some later event.
 */
function drainSoon(): void {
  if (wakeUpDue) return;
  wakeUpDue = true;
  setImmediate(() => {
    wakeUpDue = false;
  });
}
