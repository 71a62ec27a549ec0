/**
 * SpecTcl's mirror service from a recording: every request for an update is answered with the
 * display memory of the player's position. Owned by the replayed SpecTcl. Listens on a loopback
 * port until `close`.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { hasSameDefinitions } from '../../protocol/spectcl/header-comparison.js';
import {
  MIRROR_MESSAGE,
  MirrorRequestDecoder,
  encodeMirrorHeader,
} from '../../protocol/spectcl/mirror-messages.js';

/** Requests of one connection that may wait; reading pauses then. */
const WAITING_MAX = 64;

export class ReplayedMirror {
  readonly #memory: () => Buffer;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** `memory`: the present display memory, which does not change any more. */
  constructor(memory: () => Buffer) {
    this.#memory = memory;
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  async listen(host: string): Promise<number> {
    this.#server.listen(0, host);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const decoder = new MirrorRequestDecoder();
    let sent: Buffer | undefined;
    let waiting = 0;
    let serving = false;
    const serve = async (): Promise<void> => {
      serving = true;
      for (; waiting > 0 && !socket.destroyed; waiting -= 1) {
        const memory = this.#memory();
        const isPartial = sent?.length === memory.length && hasSameDefinitions(sent, memory);
        sent = memory;
        const body = isPartial ? memory.subarray(DISPLAY_HEADER_BYTES) : memory;
        const type = isPartial ? MIRROR_MESSAGE.PARTIAL_UPDATE : MIRROR_MESSAGE.FULL_UPDATE;
        socket.write(encodeMirrorHeader(type, body.length));
        await new Promise<void>((resolve) => socket.write(body, () => resolve()));
      }
      serving = false;
      if (decoder.problem === undefined) socket.resume();
      else socket.destroy();
    };
    socket.on('data', (bytes) => {
      waiting += decoder.push(bytes).filter(({ kind }) => kind === 'request-update').length;
      if (waiting > WAITING_MAX || decoder.problem !== undefined) socket.pause();
      if (!serving) void serve();
    });
  }
}
