/**
 * The mirror service of a SpecTcl simulator: sends the display memory to mirror clients over TCP,
 * one reply per request. The first reply of a connection is a full update (with the header);
 * Rustogramer sends another full update after the bindings have changed, SpecTcl never. Faulty
 * behaviour can be configured. Used by simulator.ts. Listens on a TCP port until `close`.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { DISPLAY_HEADER_BYTES, DISPLAY_SLOTS, readBinding } from '../protocol/spectcl/display-memory.js';
import { writeBinding } from '../protocol/spectcl/display-writer.js';
import {
  MIRROR_MESSAGE,
  type MirrorRequest,
  MirrorRequestDecoder,
  SYSTEM_V_KEY_BYTES,
  encodeMirrorHeader,
} from '../protocol/spectcl/mirror-messages.js';
import { decodeText } from '../protocol/spectcl/text.js';
import type { BorrowedMemory } from './copy-on-write-memory.js';
import { type MirrorDirectory, hostOf } from './mirror-directory.js';
import type { Misbehaviour } from './misbehaviour.js';
import type { ServerThreads } from './server-threads.js';
import type { Flavour } from './spectrum-definition.js';

/** Length of the reply of the misbehaviour `garbage`. */
const GARBAGE_BYTES = 4096;
/** Largest number of waiting requests of a connection; reading pauses then. */
const WAITING_MAX = 256;
/** Interval between the pieces of a slow reply. */
const SLOW_INTERVAL_MS = 20;
/** Interval at which a service that hangs checks whether it still does, milliseconds. */
export const HANG_POLL_MS = 5;

/** The display memory at one time. */
export interface Snapshot {
  readonly borrowed: BorrowedMemory;
  readonly usedBytes: number;
  readonly bindingChanges: number;
}

export interface MirrorCounters {
  /** Connections accepted so far. */
  mirrorConnections: number;
  /** Connections open now. */
  currentConnections: number;
  updatesServed: number;
  /** Bytes of updates, message headers included. */
  bytesServed: number;
}

export interface MirrorServiceOptions {
  readonly flavour: Flavour;
  /** Whether to set TCP_NODELAY; SpecTcl does not. */
  readonly noDelay: boolean;
  readonly misbehaviour: Readonly<Misbehaviour>;
  readonly counters: MirrorCounters;
  readonly directory: MirrorDirectory;
  readonly threads: ServerThreads;
  /** Called once per reply; the memory is released when the kernel has the whole reply. */
  readonly snapshot: () => Snapshot;
}

export class MirrorService {
  readonly #options: MirrorServiceOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: MirrorServiceOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: options.noDelay }, (socket) => this.#accept(socket));
  }

  /** Returns the port. */
  async listen(port: number, host: string): Promise<number> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const { counters, directory, threads } = this.#options;
    threads.accepted();
    const host = hostOf(socket.remoteAddress);
    counters.mirrorConnections++;
    counters.currentConnections++;
    this.#sockets.add(socket);
    socket.on('close', () => {
      counters.currentConnections--;
      this.#sockets.delete(socket);
      directory.removeHost(host);
    });
    const replies = this.#serve(socket, host);
    socket.on('end', () => threads.streamEnded());
    socket.on('error', () => {
      threads.reset(replies.wholeUpdates > 0);
      socket.destroy();
    });
  }

  /**
   * Answers one request at a time; others wait, in the kernel when there are many. Closes the
   * connection at the first invalid request.
   */
  #serve(socket: Socket, host: string): MirrorReplies {
    const { flavour, directory } = this.#options;
    const decoder = new MirrorRequestDecoder(flavour === 'spectcl' ? { keyBytes: SYSTEM_V_KEY_BYTES } : {});
    const replies = new MirrorReplies(socket, this.#options);
    const waiting: MirrorRequest[] = [];
    let serving = false;
    const serve = async (): Promise<void> => {
      serving = true;
      for (let request = waiting.shift(); request !== undefined; request = waiting.shift()) {
        if (request.kind === 'request-update') await replies.answer();
        else if (!directory.register(host, decodeText(request.key))) socket.destroy();
        if (socket.destroyed) return;
      }
      serving = false;
      if (decoder.problem !== undefined) socket.destroy();
      else socket.resume();
    };
    // Reading continues while a reply is being sent: otherwise a client that closes would not be
    // detected.
    socket.on('data', (chunk) => {
      waiting.push(...decoder.push(chunk));
      if (waiting.length > WAITING_MAX || decoder.problem !== undefined) socket.pause();
      if (!serving) void serve();
    });
    return replies;
  }
}

/** The replies of one connection. */
class MirrorReplies {
  readonly #socket: Socket;
  readonly #options: MirrorServiceOptions;
  readonly #closed: Promise<unknown>;
  /** `bindingChanges` of the last update; undefined before the first. */
  #sentBindings: number | undefined;
  wholeUpdates = 0;

  constructor(socket: Socket, options: MirrorServiceOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  }

  /** Resolves when the kernel has the reply or the connection has closed. */
  async answer(): Promise<void> {
    const { mirror } = this.#options.misbehaviour;
    switch (mirror) {
      case 'hang':
        while (this.#options.misbehaviour.mirror === 'hang' && !this.#socket.destroyed)
          await delay(HANG_POLL_MS, undefined, { ref: false });
        if (!this.#socket.destroyed) await this.answer();
        return;
      case 'stall':
        await this.#closed;
        return;
      case 'garbage':
        await this.#write(randomBytes(GARBAGE_BYTES));
        return;
      case 'short-length':
        await this.#write(Uint8Array.of(3, 0, 0, 0, MIRROR_MESSAGE.PARTIAL_UPDATE, 0, 0, 0));
        return;
      case 'huge-length':
        await this.#write(encodeMirrorHeader(MIRROR_MESSAGE.FULL_UPDATE, 0xffff_fff0));
        return;
      case 'none':
      case 'stall-inside':
      case 'cut':
      case 'bad-header':
      case 'slow': {
        const snapshot = this.#options.snapshot();
        try {
          await this.#update(snapshot, mirror);
        } finally {
          snapshot.borrowed.release();
        }
      }
    }
    if (mirror === 'cut') this.#socket.end();
    if (mirror === 'cut' || mirror === 'stall-inside') await this.#closed;
  }

  async #update(
    { borrowed, usedBytes, bindingChanges }: Snapshot,
    fault: 'none' | 'stall-inside' | 'cut' | 'bad-header' | 'slow',
  ): Promise<void> {
    const { flavour, counters } = this.#options;
    const full =
      fault === 'bad-header' ||
      this.#sentBindings === undefined ||
      (flavour === 'rustogramer' && this.#sentBindings !== bindingChanges);
    this.#sentBindings = bindingChanges;
    // Without a defined spectrum, SpecTcl sends one byte of channels and Rustogramer none.
    const channels = flavour === 'spectcl' ? Math.max(1, usedBytes) : usedBytes;
    const type = full ? MIRROR_MESSAGE.FULL_UPDATE : MIRROR_MESSAGE.PARTIAL_UPDATE;
    const whole = borrowed.memory.subarray(full ? 0 : DISPLAY_HEADER_BYTES, DISPLAY_HEADER_BYTES + channels);
    const body = fault === 'bad-header' ? withInvalidBindings(whole) : whole;
    const header = encodeMirrorHeader(type, body.byteLength);
    // Two writes, like SpecTcl: without TCP_NODELAY this delays small bodies.
    const headerWritten = this.#write(header);
    if (fault === 'slow') await this.#writeSlowly(body);
    else if (fault === 'cut' || fault === 'stall-inside')
      await this.#write(body.subarray(0, body.byteLength / 2));
    else await this.#write(body);
    await headerWritten;
    if (fault === 'cut' || fault === 'stall-inside') return;
    this.wholeUpdates += 1;
    counters.updatesServed++;
    counters.bytesServed += header.byteLength + body.byteLength;
  }

  async #writeSlowly(body: Uint8Array): Promise<void> {
    for (let at = 0; at < body.byteLength && !this.#socket.destroyed;) {
      const { slowBytesPerSecond } = this.#options.misbehaviour;
      const piece = Math.max(1, Math.round((slowBytesPerSecond * SLOW_INTERVAL_MS) / 1000));
      await this.#write(body.subarray(at, at + piece));
      at += piece;
      await Promise.race([delay(SLOW_INTERVAL_MS, undefined, { ref: false }), this.#closed]);
    }
  }

  /** Never rejects: after a failed write the connection closes. */
  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }
}

/** A copy of a full update whose spectra all lie beyond the end of any storage. */
function withInvalidBindings(body: Uint8Array): Uint8Array {
  const copy = body.slice();
  for (let slot = 0; slot < DISPLAY_SLOTS; slot++) {
    const binding = readBinding(copy, slot);
    if (binding === undefined) continue;
    const { name, xmin, xmax } = binding;
    writeBinding(copy, slot, {
      name,
      type: 5,
      xchans: 65_536,
      ychans: 65_536,
      channelOffset: 0xffff_fff0,
      xmin,
      xmax,
    });
  }
  return copy;
}
