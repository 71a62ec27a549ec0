/**
 * A TCP port that leads to a service: a fixed one, and one that the port manager gives, which may
 * change while the service goes on.
 */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { MirrorflowError, describeError, systemCode } from '../protocol/base/errors.js';

export class Listener {
  readonly port: number;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /**
   * Throws ADDRESS_IN_USE, NOT_PERMITTED or BAD_ADDRESS, naming what was asked for. `port` 0 is any
   * free one.
   */
  static open(
    title: string,
    host: string,
    port: number,
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    const server = createServer(accept);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(refused(title, host, port, error)));
      server.listen({ host, port }, () => {
        server.removeAllListeners('error');
        // Out of file descriptors, say: those who are connected go on.
        server.on('error', () => undefined);
        resolve(new Listener(server));
      });
    });
  }

  /** Takes no more connections; those there are belong to their service. */
  close(): void {
    this.#server.close();
  }
}

function refused(title: string, host: string, port: number, error: unknown): MirrorflowError {
  const what = `${title} cannot listen on ${host} port ${port}`;
  const facts = { host, port };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new MirrorflowError(
        'ADDRESS_IN_USE',
        `${what}: another program does; choose another port`,
        facts,
        error,
      );
    case 'EACCES':
      return new MirrorflowError(
        'NOT_PERMITTED',
        `${what}: ports below 1024 are the administrator's`,
        facts,
        error,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new MirrorflowError(
        'BAD_ADDRESS',
        `${what}: ${host} is no address of this machine`,
        facts,
        error,
      );
    default:
      return new MirrorflowError('SYSTEM_ERROR', `${what}: ${describeError(error)}`, facts, error);
  }
}
