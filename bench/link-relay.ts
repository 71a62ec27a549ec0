/**
 * A TCP relay that behaves like a slow link: bytes of each direction leave at a rate and arrive
 * after a delay, and are counted. Used by `nats-servers.ts`. Opens sockets.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export interface LinkShape {
  /** In each direction. */
  readonly bitsPerSecond?: number;
  /** In one direction. */
  readonly delayMs?: number;
}

/** Bytes that wait in one direction before reading pauses: about the buffer of a router. */
const WAITING_BYTES_MAX = 256 * 1024;

export class LinkRelay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that clients have sent, and that were sent to them. */
  sentBytes = 0;
  receivedBytes = 0;

  /** Relays to a port of this machine. */
  static async before(port: number, shape: LinkShape): Promise<LinkRelay> {
    const relay = new LinkRelay(port, shape);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  private constructor(port: number, shape: LinkShape) {
    this.#server = createServer({ noDelay: true }, (client) => {
      const target = connect({ host: '127.0.0.1', port, noDelay: true });
      for (const socket of [client, target]) {
        this.#sockets.add(socket);
        socket.on('error', () => socket.destroy());
        socket.once('close', () => this.#sockets.delete(socket));
      }
      pass(client, target, shape, (bytes) => (this.sentBytes += bytes));
      pass(target, client, shape, (bytes) => (this.receivedBytes += bytes));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

function pass(from: Socket, to: Socket, shape: LinkShape, count: (bytes: number) => void): void {
  const { bitsPerSecond = Infinity, delayMs = 0 } = shape;
  /** When the link has sent all that it was given, milliseconds. */
  let freeMs = 0;
  let waiting = 0;
  from.on('data', (chunk: Buffer) => {
    count(chunk.length);
    waiting += chunk.length;
    if (waiting > WAITING_BYTES_MAX) from.pause();
    const nowMs = performance.now();
    freeMs = Math.max(freeMs, nowMs) + (chunk.length * 8_000) / bitsPerSecond;
    const deliver = (): void => {
      waiting -= chunk.length;
      if (waiting <= WAITING_BYTES_MAX) from.resume();
      if (!to.destroyed) to.write(chunk);
    };
    const leftMs = freeMs - nowMs + delayMs;
    if (leftMs <= 0) deliver();
    else setTimeout(deliver, leftMs);
  });
  from.once('close', () => to.destroy());
}
