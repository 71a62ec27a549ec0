/**
 * A program that stands on the line between two hosts of a test: it passes on what they send, or
 * changes, keeps and repeats it. Over TLS it ends the connection with a certificate of its own and
 * makes another one. Used by the tests of this folder; opens sockets on loopback.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { TlsIdentity } from '../../protocol/rpc/security/tls.js';

/** Which way bytes go: to the host that has connected, or to the one that listens. */
export type Way = 'to-caller' | 'to-listener';

/** Returns what is sent in place of the bytes. */
export type Change = (bytes: Buffer, way: Way, connection: number) => Buffer;

export class LineProgram {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #connections = 0;

  private constructor(port: number, change: Change, identity: TlsIdentity | undefined) {
    const accept = (near: Socket): void => {
      this.#connections += 1;
      const connection = this.#connections;
      const host = '127.0.0.1';
      const far =
        identity === undefined
          ? connect({ host, port })
          : connectTls({ host, port, ...identity, rejectUnauthorized: false });
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

  /** Before a loopback port. `identity`: of the program, for hosts that use TLS. */
  static async before(
    port: number,
    change: Change = (bytes) => bytes,
    identity?: TlsIdentity,
  ): Promise<LineProgram> {
    const program = new LineProgram(port, change, identity);
    await new Promise<void>((resolve) => program.#server.listen(0, '127.0.0.1', resolve));
    return program;
  }

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
