/**
 * A listening TCP port that passes its connections to a service.
 *
 * `gateway.ts` opens one per service, and one for the port that the port manager assigns, which may
 * change while the service runs.
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
   * Opens a port; 0 is any free one. `title` names the service in errors. Throws ADDRESS_IN_USE,
   * NOT_PERMITTED or BAD_ADDRESS with host and port.
   */
  static open(
    title: string,
    host: string,
    port: number,
    accept: (socket: Socket) => void,
  ): Promise<Listener> {
    const server = createServer(accept);
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError(title, host, port, error)));
      server.listen({ host, port }, () => {
        server.removeAllListeners('error');
        // Errors of accept(), for instance without free file descriptors: connections continue.
        server.on('error', () => undefined);
        resolve(new Listener(server));
      });
    });
  }

  /** Stops listening. Open connections belong to their service. */
  close(): void {
    this.#server.close();
  }
}

function listenError(title: string, host: string, port: number, error: unknown): MirrorflowError {
  const what = `${title} cannot listen on ${host} port ${port}`;
  const facts = { host, port };
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new MirrorflowError(
        'ADDRESS_IN_USE',
        `${what}: another program uses it; choose another port`,
        facts,
        error,
      );
    case 'EACCES':
      return new MirrorflowError(
        'NOT_PERMITTED',
        `${what}: ports below 1024 need administrator rights; choose another port`,
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
