/**
 * The two ways to call a host server: permanent connections on its Unix socket, and the control
 * port (TCP: HTTP, and permanent connections of other hosts). Owned by `host-server.ts`. Opens both
 * listening sockets, reads the token file; every call goes to the handlers that it is given.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { hostSocketPath } from '../../protocol/base/paths.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { readToken } from '../../protocol/rpc/security/token-file.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import { SessionServer } from '../../protocol/rpc/xml-rpc/session-server.js';
import { ControlPort } from './control-port.js';
import type { CallOrigin } from './call-origin.js';
import type { ListenAddress } from './listen-address.js';

export interface EndpointsOptions {
  /** Runtime directory, which holds the socket and the token. */
  readonly directory: string;
  readonly listen: ListenAddress;
  /** Names or addresses of the hosts of the configuration. */
  readonly peers: readonly string[];
  readonly security: Security;
  readonly handlers: Partial<Handlers<MirrorflowContract, CallOrigin>>;
  /** Throws NOT_PERMITTED for a method that this caller may not call. */
  readonly authorize: (method: string, context: CallOrigin) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Endpoints {
  /** Path of the Unix socket. */
  readonly socket: string;
  readonly #log: Logger;
  readonly #dispatcher: Dispatcher<MirrorflowContract, CallOrigin>;
  readonly #sessions: SessionServer<CallOrigin>;
  readonly #controlPort: ControlPort;
  #port = 0;

  constructor({ directory, listen, peers, security, handlers, authorize, clock, log }: EndpointsOptions) {
    this.socket = hostSocketPath(directory);
    this.#log = log;
    const dispatcher = new Dispatcher<MirrorflowContract, CallOrigin>(CONTRACT, handlers, {
      log,
      authorize,
    });
    this.#dispatcher = dispatcher;
    this.#sessions = new SessionServer({ dispatcher, context: (session) => ({ session }), log });
    this.#controlPort = new ControlPort({
      listen,
      peers,
      security,
      token: () => readToken(directory),
      dispatcher,
      session: (peerAddress) => this.peerSession(peerAddress),
      clock,
      log,
    });
  }

  /** TCP port of the control port; 0 before listen(). */
  get port(): number {
    return this.#port;
  }

  /** Options of a session with the host at `peerAddress`, whichever side has connected. */
  peerSession(peerAddress: string): SessionOptions<CallOrigin> {
    return {
      dispatcher: this.#dispatcher,
      context: (session) => ({ session, peerAddress }),
      log: this.#log,
    };
  }

  /** Rejects with ADDRESS_IN_USE, NOT_PERMITTED, BAD_ADDRESS. */
  async listen(): Promise<void> {
    this.#port = await this.#controlPort.listen();
    await this.listenOnSocket();
  }

  /** Again, where the socket was removed. Rejects as `listen`. */
  async listenOnSocket(): Promise<void> {
    await this.#sessions.listen({ path: this.socket });
  }

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#controlPort.close()]);
  }
}
