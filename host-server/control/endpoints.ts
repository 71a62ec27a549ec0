/**
 * The ways to call a host server: permanent connections on its Unix sockets, one for each right,
 * and the control port (TCP: HTTP, and permanent connections of other hosts). Owned by
 * `host-server.ts`. Opens the listening sockets, creates the token files; every call goes to the
 * handlers that it is given, with the right of its origin.
 */
import { existsSync } from 'node:fs';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { hostSocketPath, hostTokenPath } from '../../protocol/base/paths.js';
import { HOST_RIGHTS, type HostRight } from '../../protocol/base/rights.js';
import type { Access } from '../../protocol/host/access/access.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import { CallerRights } from '../../protocol/rpc/security/caller-rights.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import type { SessionOptions } from '../../protocol/rpc/xml-rpc/session.js';
import { SessionServer } from '../../protocol/rpc/xml-rpc/session-server.js';
import { ControlPort } from './control-port.js';
import type { CallOrigin } from './call-origin.js';
import type { ListenAddress } from './listen-address.js';

export interface EndpointsOptions {
  /** Runtime directory, which holds the sockets and the token files. */
  readonly directory: string;
  /** Who may use the sockets and tokens. */
  readonly access: Access;
  readonly listen: ListenAddress;
  /** Names or addresses of the hosts of the configuration. */
  readonly peers: readonly string[];
  readonly security: Security;
  readonly handlers: Partial<Handlers<MirrorflowContract, CallOrigin>>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Mode of a socket file until `Access` has granted the file to its users and groups. */
const OWNER_ONLY_MODE = 0o600;

export class Endpoints {
  readonly #directory: string;
  readonly #access: Access;
  readonly #rights = new CallerRights();
  readonly #log: Logger;
  readonly #dispatcher: Dispatcher<MirrorflowContract, CallOrigin>;
  readonly #sessions: ReadonlyMap<HostRight, SessionServer<CallOrigin>>;
  /** Rights whose socket this server has opened; other sockets are of a dead predecessor. */
  readonly #opened = new Set<HostRight>();
  readonly #controlPort: ControlPort;
  #port = 0;

  constructor(options: EndpointsOptions) {
    const { directory, access, listen, peers, security, handlers, clock, log } = options;
    this.#directory = directory;
    this.#access = access;
    this.#log = log;
    const rights = this.#rights;
    const proving = {
      'child.prove': ([token]: [string], origin: CallOrigin) => rights.proveChild(token, origin),
    };
    const dispatcher = new Dispatcher<MirrorflowContract, CallOrigin>(
      CONTRACT,
      { ...handlers, ...proving },
      { log, granted: rights.of },
    );
    this.#dispatcher = dispatcher;
    const serverFor = (right: HostRight): SessionServer<CallOrigin> =>
      new SessionServer({
        dispatcher,
        context: (session) => ({ session, right }),
        log,
        socketMode: OWNER_ONLY_MODE,
      });
    this.#sessions = new Map(HOST_RIGHTS.map((right) => [right, serverFor(right)]));
    this.#controlPort = new ControlPort({
      listen,
      peers,
      security,
      rightOfToken: (token) => rights.ofToken(token),
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
      // A program that has the secret has all rights.
      context: (session) => ({ session, right: 'child', peerAddress }),
      log: this.#log,
    };
  }

  /** Rejects with ADDRESS_IN_USE, NOT_PERMITTED, BAD_ADDRESS, NO_SPACE, SYSTEM_ERROR. */
  async listen(): Promise<void> {
    this.#port = await this.#controlPort.listen();
    await this.listenOnSockets();
  }

  /** Sockets and token files, which must exist while this server runs. */
  get files(): readonly string[] {
    const tokens = [...HOST_RIGHTS, 'child' as const].map((right) => hostTokenPath(this.#directory, right));
    return [...HOST_RIGHTS.map((right) => hostSocketPath(this.#directory, right)), ...tokens];
  }

  /**
   * Creates the token files and listens on the sockets; later calls create removed ones again.
   * Rejects as `listen`.
   */
  async listenOnSockets(): Promise<void> {
    const access = this.#access;
    this.#rights.prepare(
      HOST_RIGHTS,
      (right) => hostTokenPath(this.#directory, right as HostRight | 'child'),
      (path, right, inherited) => access.grant(path, `${right} token`, inherited),
    );
    for (const [right, sessions] of this.#sessions) {
      const path = hostSocketPath(this.#directory, right);
      if (this.#opened.has(right) && existsSync(path)) continue;
      await sessions.listen({ path });
      this.#opened.add(right);
      access.grant(path, `${right} socket`);
    }
  }

  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()].map((server) => server.close());
    await Promise.all([...sessions, this.#controlPort.close()]);
  }
}
