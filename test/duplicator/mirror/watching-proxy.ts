/**
 * A TCP proxy between a mirror and its source that forwards everything and counts what would burden
 * a SpecTcl: connections, requests, and requests that are unanswered at the same time. Used by
 * SourceRig. Listens on a loopback port until `close`.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import {
  MIRROR_HEADER_BYTES,
  MIRROR_MESSAGE,
  decodeMirrorHeader,
} from '../../../protocol/spectcl/mirror-messages.js';

/** A REQUEST_UPDATE, a header without a body; a mirror sends nothing else. */
const REQUEST_BYTES = MIRROR_HEADER_BYTES;

export class WatchingProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The maximum of unanswered requests on one connection, and of open connections. */
  mostInFlight = 0;
  mostConnections = 0;
  connections = 0;
  requests = 0;
  /** Connections that the mirror closed with FIN. */
  endedStreams = 0;
  replies: ('full' | 'partial')[] = [];

  constructor(targetPort: number) {
    let open = 0;
    this.#server = createServer((mirror) => {
      open += 1;
      this.connections += 1;
      this.mostConnections = Math.max(this.mostConnections, open);
      mirror.once('close', () => (open -= 1));
      this.#forward(mirror, connect({ port: targetPort, host: '127.0.0.1' }));
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #forward(mirror: Socket, source: Socket): void {
    let inFlight = 0;
    let requestBytes = 0;
    let header = Buffer.alloc(0);
    let bodyLeft = 0;
    for (const socket of [mirror, source]) {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      const other = socket === mirror ? source : mirror;
      // Each end arrives as it was sent: a reset as a reset, the end of the stream as FIN.
      socket.on('error', () => {
        if (!other.destroyed) other.resetAndDestroy();
      });
      socket.once('close', () => other.destroy());
    }
    mirror.once('end', () => (this.endedStreams += 1));
    mirror.on('data', (chunk: Buffer) => {
      requestBytes += chunk.length;
      inFlight += Math.floor(requestBytes / REQUEST_BYTES);
      this.requests += Math.floor(requestBytes / REQUEST_BYTES);
      requestBytes %= REQUEST_BYTES;
      this.mostInFlight = Math.max(this.mostInFlight, inFlight);
      source.write(chunk);
    });
    source.on('data', (chunk: Buffer) => {
      for (let at = 0; at < chunk.length;) {
        if (bodyLeft === 0) {
          const piece = chunk.subarray(at, at + MIRROR_HEADER_BYTES - header.length);
          header = Buffer.concat([header, piece]);
          at += piece.length;
          if (header.length < MIRROR_HEADER_BYTES) continue;
          const { size, type } = decodeMirrorHeader(header);
          bodyLeft = size - MIRROR_HEADER_BYTES;
          this.replies.push(type === MIRROR_MESSAGE.FULL_UPDATE ? 'full' : 'partial');
          header = Buffer.alloc(0);
        } else {
          const piece = Math.min(bodyLeft, chunk.length - at);
          at += piece;
          bodyLeft -= piece;
        }
        if (bodyLeft === 0) inFlight -= 1;
      }
      mirror.write(chunk);
    });
  }
}
