/**
 * A man in the middle between two hosts of a test: a proxy in this process that passes on what they
 * send, or what a `Change` makes of it (alter, withhold, repeat). Over TLS it terminates the
 * caller's connection with its own certificate and makes a second one to the listener. Used by the
 * tests of this folder; opens sockets on loopback.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TlsIdentity } from '../../protocol/rpc/security/tls.js';

/** Which way bytes go: to the host that has connected, or to the one that listens. */
export type Way = 'to-caller' | 'to-listener';

/** Returns what is sent in place of the bytes. */
export type Change = (bytes: Buffer, way: Way, connection: number) => Buffer;

export class ManInTheMiddle {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(targetPort: number, change: Change, identity: TlsIdentity | undefined) {
    const accept = (near: Socket): void => {
      this.#connections += 1;
      const connection = this.#connections;
      const host = '127.0.0.1';
      const far =
        identity === undefined
          ? connect({ host, port: targetPort })
          : connectTls({ host, port: targetPort, ...identity, rejectUnauthorized: false });
      for (const [from, to, way] of [
        [near, far, 'to-listener'],
        [far, near, 'to-caller'],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (bytes: Buffer) => to.write(change(bytes, way, connection)));
        from.on('error', () => undefined);
        from.on('close', () => {
          this.#sockets.delete(from);
          to.destroy();
        });
      }
    };
    this.#server =
      identity === undefined
        ? createServer(accept)
        : createTlsServer({ ...identity, requestCert: true, rejectUnauthorized: false }, accept);
    this.#server.on('tlsClientError', () => undefined);
  }

  /** In front of a loopback port. `identity`: its own, for hosts that use TLS. */
  static async inFrontOf(
    targetPort: number,
    change: Change = (bytes) => bytes,
    identity?: TlsIdentity,
  ): Promise<ManInTheMiddle> {
    const middle = new ManInTheMiddle(targetPort, change, identity);
    await new Promise<void>((resolve) => middle.#server.listen(0, '127.0.0.1', resolve));
    return middle;
  }

  /** Where a caller connects. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
