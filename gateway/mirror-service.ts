/**
 * SpecTcl's mirror service over the publications of a mirror: reads one request, answers it, reads
 * the next. A client is sent a full update first, partial ones while the header is the one it has,
 * and a full one again when it is not.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../protocol/base/clock.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import {
  MIRROR_MESSAGE,
  MirrorRequestDecoder,
  SYSTEM_V_KEY_BYTES,
  encodeMirrorHeader,
  type MirrorRequest,
} from '../protocol/spectcl/mirror-messages.js';
import { decodeText } from '../protocol/spectcl/text.js';
import { hostOf, type MirrorDirectory } from './mirror-directory.js';
import type { Lease } from './publications.js';

/** Connections at a time; more are closed at once. */
const CONNECTIONS_MAX = 1_024;
/**
 * Requests of one connection that wait before it is read no further: the rest waits in the kernel,
 * as with SpecTcl.
 */
const WAITING_REQUESTS_MAX = 16;
/** An update goes out in pieces, so that it is seen whether a client still takes them. */
const PIECE_BYTES = 1024 * 1024;
/** Longest time for the kernel to take one piece: some 35 kB/s. */
const PIECE_TIMEOUT_MS = 30_000;
/**
 * While every buffer is in use, a client that has needed longer than this for one update is closed.
 */
const SLOW_CLIENT_TIMEOUT_MS = 2_000;

export interface MirrorServiceOptions {
  /** The newest publication; rejects when there is no mirror. */
  readonly newest: () => Promise<Lease>;
  readonly directory: MirrorDirectory;
  readonly clock: Clock;
  readonly log: Logger;
}

export class MirrorService {
  readonly #options: MirrorServiceOptions;
  readonly #clients = new Set<MirrorClient>();

  constructor(options: MirrorServiceOptions) {
    this.#options = options;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Serves a connection from now on; the service owns it. */
  accept(socket: Socket): void {
    if (this.#clients.size >= CONNECTIONS_MAX) {
      this.#options.log.warn('connection refused: too many are open', { connections: CONNECTIONS_MAX });
      socket.destroy();
      return;
    }
    const client = new MirrorClient(socket, this.#options);
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
  }

  /** Closes the clients that hold their buffer for too long; see Publications. */
  closeSlow(): void {
    const since = this.#options.clock.nowMs() - SLOW_CLIENT_TIMEOUT_MS;
    for (const client of this.#clients) {
      if ((client.sendingSinceMs ?? Infinity) >= since) continue;
      client.fail(`it needed more than ${SLOW_CLIENT_TIMEOUT_MS} ms for an update while others waited`);
    }
  }

  close(): void {
    for (const client of this.#clients) client.end();
  }
}

class MirrorClient {
  readonly #socket: Socket;
  readonly #options: MirrorServiceOptions;
  readonly #host: string;
  readonly #decoder = new MirrorRequestDecoder({ keyBytes: SYSTEM_V_KEY_BYTES });
  readonly #waiting: MirrorRequest[] = [];
  readonly #registered: (() => void)[] = [];
  #serving = false;
  #hasHeader: number | undefined;
  /** When the update under way began, on the service's clock. */
  sendingSinceMs: number | undefined;

  constructor(socket: Socket, options: MirrorServiceOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#host = hostOf(socket.remoteAddress);
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const remove of this.#registered) remove();
    });
  }

  /** Closes the connection for a reason that is logged. */
  fail(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#options.log.warn('a mirror client is closed', { peer: this.#host, reason });
    this.#socket.destroy();
  }

  end(): void {
    this.#socket.destroy();
  }

  /**
   * Reading goes on while a reply is under way, or a client that leaves meanwhile would not be
   * noticed.
   */
  #take(chunk: Buffer): void {
    this.#waiting.push(...this.#decoder.push(chunk));
    if (this.#waiting.length > WAITING_REQUESTS_MAX || this.#decoder.problem !== undefined) {
      this.#socket.pause();
    }
    if (!this.#serving) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    for (let request = this.#waiting.shift(); request !== undefined; request = this.#waiting.shift()) {
      if (request.kind === 'shminfo') this.#register(decodeText(request.key));
      else await this.#answer();
      if (this.#socket.destroyed) return;
    }
    this.#serving = false;
    if (this.#decoder.problem !== undefined) this.fail(this.#decoder.problem);
    else this.#socket.resume();
  }

  #register(key: string): void {
    const remove = this.#options.directory.register(this.#host, key);
    if (remove === undefined) this.fail(`${this.#host} has registered the memory key ${key} already`);
    else this.#registered.push(remove);
  }

  async #answer(): Promise<void> {
    let lease: Lease;
    try {
      lease = await this.#options.newest();
    } catch (error) {
      this.fail(isMirrorflowError(error) ? error.message : String(error));
      return;
    }
    this.sendingSinceMs = this.#options.clock.nowMs();
    try {
      const full = this.#hasHeader !== lease.headerVersion;
      this.#hasHeader = lease.headerVersion;
      await this.#send(full ? MIRROR_MESSAGE.FULL_UPDATE : MIRROR_MESSAGE.PARTIAL_UPDATE, lease.memory);
    } finally {
      this.sendingSinceMs = undefined;
      lease.release();
    }
  }

  async #send(type: 3 | 4, memory: Buffer): Promise<void> {
    const body = type === MIRROR_MESSAGE.FULL_UPDATE ? memory : memory.subarray(DISPLAY_HEADER_BYTES);
    // In one packet with what follows; two writes are what makes small updates of SpecTcl late.
    this.#socket.cork();
    this.#socket.write(encodeMirrorHeader(type, body.byteLength));
    let sent = this.#piece(body.subarray(0, PIECE_BYTES));
    this.#socket.uncork();
    for (let at = PIECE_BYTES; at < body.byteLength; at += PIECE_BYTES) {
      // One piece ahead, so that the kernel never waits for this process.
      const next = this.#piece(body.subarray(at, at + PIECE_BYTES));
      await sent;
      sent = next;
    }
    await sent;
  }

  /**
   * Resolves when the kernel has taken it or the connection has ended: then nobody reads these
   * bytes any more.
   */
  #piece(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) {
        resolve();
        return;
      }
      const cancel = this.#options.clock.after(PIECE_TIMEOUT_MS, () =>
        this.fail(`it did not take ${PIECE_BYTES} bytes within ${PIECE_TIMEOUT_MS} ms`),
      );
      this.#socket.write(bytes, () => {
        cancel();
        resolve();
      });
    });
  }
}
