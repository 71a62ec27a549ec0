/**
 * Unix datagram sockets over the addon `unix-dgram`, for datagram-link.ts. Opens sockets, and
 * creates and removes socket files.
 *
 * Avoids the addon's defects: the addon is never loaded in a worker thread, where it aborts the
 * process; paths are never truncated; the outcome of sending is a value; and the addon's `connect`
 * is never used, since closing a connected socket in a callback fails an assertion of libuv.
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
 * `full`: the receiver has no room now. `unreachable`: no process has the receiving socket open.
 * `failed`: another error, see `failure`.
 */
export type SendOutcome = 'sent' | 'full' | 'unreachable' | 'failed';

/**
 * `from`: the path of the sender's socket, undefined when it has none. The handler owns the bytes.
 */
export type DatagramHandler = (bytes: Buffer, from: string | undefined) => void;

const { EAGAIN, ENOBUFS, ECONNREFUSED, ENOENT } = constants.errno;

let addon: Addon | undefined;
let isDrainScheduled = false;

/** Throws BAD_OPTION in a worker thread, before the addon is loaded there. */
export function checkDatagramsUsable(): void {
  if (isMainThread) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    'datagram sockets work in the main thread only (the addon unix-dgram aborts the process in a worker thread): use stream links',
  );
}

/** One socket, which keeps the process running until it is closed. */
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
      throw new MirrorflowError(
        'LIMIT_REACHED',
        'cannot open a datagram socket: close other sockets or raise the limit of open files',
        {},
        error,
      );
    }
    this.#socket.on('error', this.#onSent);
    this.#socket.on('message', (bytes, from) => {
      if (this.#closed) return;
      onDatagram(bytes, from.path ?? undefined);
      drainSoon();
    });
  }

  /** The reason why the latest `send` or `bind` failed, for messages. */
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

  /** One attempt, without waiting. The caller may reuse the bytes afterwards. */
  send(bytes: Buffer, length: number, path: string): SendOutcome {
    if (this.#closed) return 'unreachable';
    this.#error = undefined;
    this.#socket.send(bytes, 0, length, path, this.#onSent);
    return outcomeOf(this.#error);
  }

  /** Removes the socket file that `bind` created. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.closeWithoutFile();
    if (this.#boundPath !== undefined) removeSocketFile(this.#boundPath);
  }

  /** Leaves the path alone: another program has removed the file, another socket may have it. */
  closeWithoutFile(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
  }
}

/** Removes a socket file, which need not exist. */
export function removeSocketFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It does not exist any more, or its directory may not be changed: there is nothing to do.
  }
}

function outcomeOf(error: SendError | undefined): SendOutcome {
  if (error === undefined) return 'sent';
  const number = -error.errno;
  if (number === EAGAIN || number === ENOBUFS) return 'full';
  return number === ECONNREFUSED || number === ENOENT ? 'unreachable' : 'failed';
}

/**
 * Schedules a turn of the event loop: the addon calls handlers outside of Node's callback scopes,
 * so promises that a handler settles would otherwise wait for another event.
 */
function drainSoon(): void {
  if (isDrainScheduled) return;
  isDrainScheduled = true;
  setImmediate(() => {
    isDrainScheduled = false;
  });
}
