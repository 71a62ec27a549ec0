/**
 * SpecTcl's mirror service: sends the publications of a mirror to clients over TCP.
 *
 * `gateway.ts` passes it connections. A client's requests are answered one after another. Its first
 * update is a full one (header and channels); later ones are partial (channels only) as long as the
 * header has not changed.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../protocol/base/clock.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { RateLimitedLog } from '../protocol/base/rate-limited-log.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import {
  MIRROR_MESSAGE,
  MirrorRequestDecoder,
  SYSTEM_V_KEY_BYTES,
  encodeMirrorHeader,
  type MirrorRequest,
} from '../protocol/spectcl/mirror-messages.js';
import { decodeText } from '../protocol/spectcl/text.js';
import { peerOf, type MirrorDirectory, type Peer, type Registration } from './mirror-directory.js';
import type { Lease } from './publications.js';
import { PROBE_AFTER_MS, VanishedPeers, connectionId } from './vanished-peers.js';

/** Keys that one connection may register; SpecTcl's clients register one. */
const REGISTRATIONS_MAX = 4;
/** A client that has requested nothing is closed after this time, */
const FIRST_REQUEST_WITHIN_MS = 60_000;
/** and one that requests nothing more after this: SpecTcl's clients ask many times a second. */
const IDLE_TIMEOUT_MS = 600_000;
/** Queued requests of a connection above which it is not read: further ones wait in the kernel. */
const QUEUED_REQUESTS_MAX = 16;
/** An update is sent in pieces of this size, to detect a client that no longer reads. */
const PIECE_BYTES = 1024 * 1024;
/** Time limit for one piece, which amounts to some 35 kB/s. */
const PIECE_TIMEOUT_MS = 30_000;
/** While every buffer is in use, a client whose update takes longer than this is closed. */
const SLOW_CLIENT_TIMEOUT_MS = 2_000;
const VANISHED_CHECK_MS = 1_000;

export interface MirrorServiceOptions {
  /** The newest publication; rejects when there is no mirror. */
  readonly newest: () => Promise<Lease>;
  /** Whether the user of a connection may read the application. */
  readonly mayRead: (socket: Socket) => Promise<boolean>;
  readonly directory: MirrorDirectory;
  readonly clock: Clock;
  readonly log: Logger;
}

export class MirrorService {
  readonly #options: MirrorServiceOptions;
  readonly #refusals: RateLimitedLog;
  readonly #clients = new Set<MirrorClient>();
  readonly #vanished: VanishedPeers;
  #cancelCheck: (() => void) | undefined;

  constructor(options: MirrorServiceOptions, vanished = new VanishedPeers()) {
    this.#options = options;
    this.#refusals = new RateLimitedLog(options.clock, options.log);
    this.#vanished = vanished;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Serves a connection, which the service owns from now on. */
  accept(socket: Socket): void {
    const client = new MirrorClient(socket, this.#options, this.#refusals);
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
    this.#scheduleCheck();
  }

  /**
   * Whether each mirror client of the host has the header of this version, so that a viewer there
   * finds in its memory what a trace names.
   */
  hasHeader(host: string, headerVersion: number): boolean {
    for (const client of this.#clients) {
      if (client.peer.host === host && (client.receivedHeaderVersion ?? Infinity) < headerVersion)
        return false;
    }
    return true;
  }

  /** Closes the clients that hold their buffer too long; see `Publications`. */
  closeSlow(): void {
    const since = this.#options.clock.nowMs() - SLOW_CLIENT_TIMEOUT_MS;
    for (const client of this.#clients) {
      if ((client.sendingSinceMs ?? Infinity) >= since) continue;
      client.fail(
        `its update took more than ${SLOW_CLIENT_TIMEOUT_MS} ms while other clients waited for a buffer`,
      );
    }
  }

  close(): void {
    this.#cancelCheck?.();
    for (const client of this.#clients) client.end();
  }

  #scheduleCheck(): void {
    this.#cancelCheck ??= this.#options.clock.after(
      VANISHED_CHECK_MS,
      () => void this.#closeVanished(),
      true,
    );
  }

  async #closeVanished(): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    for (const client of this.#clients) client.failIfIdle(nowMs);
    // A program of this host cannot vanish without an end of its connection.
    if ([...this.#clients].some(({ peer }) => !peer.local)) {
      const vanished = await this.#vanished.find(this.#options.clock.nowMs());
      for (const client of this.#clients) {
        if (vanished.has(client.connectionId)) client.fail('its host has vanished');
      }
    }
    this.#cancelCheck = undefined;
    if (this.#clients.size > 0) this.#scheduleCheck();
  }
}

class MirrorClient {
  readonly #socket: Socket;
  readonly #options: MirrorServiceOptions;
  readonly #refusals: RateLimitedLog;
  readonly peer: Peer;
  /** See `VanishedPeers`. */
  readonly connectionId: string;
  readonly #decoder = new MirrorRequestDecoder({ keyBytes: SYSTEM_V_KEY_BYTES });
  readonly #requests: MirrorRequest[] = [];
  readonly #registration: Registration;
  #registrations = 0;
  #hasRequested = false;
  /**
   * Whether its user may read; found at the first request, since that costs more than reading it.
   */
  #isPermitted = false;
  /** Time of the last message, or of the connection. */
  #heardMs: number;
  #serving = false;
  /** Version of the header that the client has. */
  #headerVersion: number | undefined;
  /** Version of the newest header that the client has stored. */
  receivedHeaderVersion: number | undefined;
  /** Start of the update in progress, on the service's clock, milliseconds. */
  sendingSinceMs: number | undefined;

  constructor(socket: Socket, options: MirrorServiceOptions, refusals: RateLimitedLog) {
    this.#socket = socket;
    this.#options = options;
    this.#refusals = refusals;
    this.#heardMs = options.clock.nowMs();
    this.peer = peerOf(socket);
    this.connectionId = connectionId(socket.localPort ?? 0, this.peer.address, socket.remotePort ?? 0);
    this.#registration = options.directory.add(this.peer, () =>
      this.fail('a newer connection of this host has registered the same memory key'),
    );
    socket.setNoDelay(true);
    socket.setKeepAlive(true, PROBE_AFTER_MS);
    socket.on('data', (chunk) => this.#receive(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#registration.remove());
  }

  /** Closes the connection for a reason that is logged. */
  fail(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#refusals.warn('a mirror client is closed', { peer: this.peer.address, reason });
    this.#socket.destroy();
  }

  end(): void {
    this.#socket.destroy();
  }

  failIfIdle(nowMs: number): void {
    const limitMs = this.#hasRequested ? IDLE_TIMEOUT_MS : FIRST_REQUEST_WITHIN_MS;
    if (this.#serving || nowMs - this.#heardMs < limitMs) return;
    this.fail(`it has requested nothing for ${limitMs} ms`);
  }

  /** Queues requests. Reads during a reply too: otherwise a closed connection goes unnoticed. */
  #receive(chunk: Buffer): void {
    this.#requests.push(...this.#decoder.push(chunk));
    this.#heardMs = this.#options.clock.nowMs();
    if (this.#requests.length > QUEUED_REQUESTS_MAX || this.#decoder.problem !== undefined) {
      this.#socket.pause();
    }
    if (!this.#serving) void this.#serve();
  }

  async #serve(): Promise<void> {
    this.#serving = true;
    if (this.#requests.length > 0 && !this.#isPermitted) {
      this.#isPermitted = await this.#options.mayRead(this.#socket);
      if (!this.#isPermitted) {
        this.#socket.destroy();
        return;
      }
    }
    for (let request = this.#requests.shift(); request !== undefined; request = this.#requests.shift()) {
      if (request.kind === 'shminfo') this.#register(decodeText(request.key));
      else await this.#answer();
      if (this.#socket.destroyed) return;
    }
    this.#serving = false;
    if (this.#decoder.problem !== undefined) this.fail(this.#decoder.problem);
    else this.#socket.resume();
  }

  #register(key: string): void {
    this.#registrations += 1;
    if (this.#registrations <= REGISTRATIONS_MAX) this.#registration.register(key);
    else this.fail(`it registered more than ${REGISTRATIONS_MAX} memory keys`);
  }

  async #answer(): Promise<void> {
    this.#hasRequested = true;
    // The request shows that the client has stored the update before it.
    this.receivedHeaderVersion = this.#headerVersion;
    let lease: Lease;
    try {
      lease = await this.#options.newest();
    } catch (error) {
      this.fail(isMirrorflowError(error) ? error.message : String(error));
      return;
    }
    this.sendingSinceMs = this.#options.clock.nowMs();
    try {
      const full = this.#headerVersion !== lease.headerVersion;
      this.#headerVersion = lease.headerVersion;
      await this.#send(full ? MIRROR_MESSAGE.FULL_UPDATE : MIRROR_MESSAGE.PARTIAL_UPDATE, lease.memory);
    } finally {
      this.sendingSinceMs = undefined;
      lease.release();
    }
  }

  async #send(type: 3 | 4, memory: Buffer): Promise<void> {
    const body = type === MIRROR_MESSAGE.FULL_UPDATE ? memory : memory.subarray(DISPLAY_HEADER_BYTES);
    // One packet for header and body: with two writes small updates arrive 40 ms late.
    this.#socket.cork();
    this.#socket.write(encodeMirrorHeader(type, body.byteLength));
    let sent = this.#write(body.subarray(0, PIECE_BYTES));
    this.#socket.uncork();
    for (let at = PIECE_BYTES; at < body.byteLength; at += PIECE_BYTES) {
      // One piece ahead: the kernel's buffer never runs empty.
      const next = this.#write(body.subarray(at, at + PIECE_BYTES));
      await sent;
      sent = next;
    }
    await sent;
  }

  /** Resolves when the kernel has taken the bytes or the connection has closed. */
  #write(bytes: Uint8Array): Promise<void> {
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
