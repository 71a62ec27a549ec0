/**
 * The one TCP port of a host server: XML-RPC over HTTP for consoles and programs, and on the same
 * port the permanent connections of other host servers; both over TLS when the address is `tls:`.
 * Owned by `endpoints.ts`; opens the listening socket.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import type { UserRight } from '../../protocol/base/rights.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { ConfiguredPeers } from '../../protocol/rpc/security/peer-addresses.js';
import type { CallDispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { HttpAuthentication } from '../../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcServer } from '../../protocol/rpc/xml-rpc/http-server.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import { Gate } from './gate.js';
import type { CallOrigin, HostSession } from './call-origin.js';
import type { ListenAddress } from './listen-address.js';

/** Connections of other hosts at the same time. */
const PEER_SESSIONS_MAX = 256;

export interface ControlPortOptions {
  readonly listen: ListenAddress;
  /** Names or addresses of the hosts of the configuration. */
  readonly peers: readonly string[];
  readonly security: Security;
  /** The right of a token that a caller over HTTP presents. */
  readonly rightOfToken: (token: string) => UserRight | undefined;
  readonly dispatcher: CallDispatcher<CallOrigin>;
  /** Options of a session with another host. */
  readonly session: (peerAddress: string) => SessionOptions<CallOrigin>;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ControlPort {
  readonly #options: ControlPortOptions;
  readonly #http: HttpRpcServer<CallOrigin>;
  readonly #gate: Gate;
  readonly #sessions = new Set<HostSession>();

  constructor(options: ControlPortOptions) {
    const { listen, peers, security, rightOfToken, dispatcher, session, clock, log } = options;
    const configured = new ConfiguredPeers(peers, clock);
    const isPeer = (address: string): boolean => configured.has(address);
    this.#options = options;
    this.#gate = new Gate({ secret: security.secret, session, isPeer, clock, log });
    this.#http = new HttpRpcServer(dispatcher, {
      context: (_request, { proof, right }) => ({
        session: undefined,
        right,
        isElsewhere: proof === 'secret',
      }),
      authentication: new HttpAuthentication({
        rightOfToken,
        secret: security.secret,
        isPeer,
        clock,
        log,
      }),
      tls: listen.scheme === 'tls' ? security.identity : undefined,
      sessions: (socket, proved) => void this.#admit(socket, proved),
      isPeer,
      clock,
      log,
    });
  }

  /** Resolves with the bound port. Rejects with ADDRESS_IN_USE, NOT_PERMITTED, BAD_ADDRESS. */
  async listen(): Promise<number> {
    const { host, port } = this.#options.listen;
    const bound = await this.#http.listen({ host, port });
    return 'port' in bound ? bound.port : 0;
  }

  async close(): Promise<void> {
    this.#gate.close();
    const sessions = [...this.#sessions].map((session) => session.close());
    await Promise.all([...sessions, this.#http.close()]);
  }

  async #admit(socket: Socket, proved: () => void): Promise<void> {
    const session = await this.#gate.admit(socket);
    if (session === undefined) return;
    proved();
    if (this.#sessions.size >= PEER_SESSIONS_MAX) {
      this.#options.log.warn('a connection of another host was refused: too many are open');
      return session.destroy();
    }
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
  }
}
