/**
 * The ways to call an app server: permanent connections (sessions) on its Unix sockets, one for
 * each right, and XML-RPC over HTTP on a loopback port. Owned by `app-server.ts`. Opens the
 * sockets, replaces socket files of a dead predecessor, creates the token files; calls go to the
 * handlers it is given, with the right of their origin.
 */
import { existsSync, rmSync } from 'node:fs';
import type { Clock } from '../protocol/base/clock.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { appSocketPath, appTokenPath } from '../protocol/base/paths.js';
import { RIGHTS, USER_RIGHTS, type UserRight } from '../protocol/base/rights.js';
import type { Access } from '../protocol/host/access/access.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import { CallerRights } from '../protocol/rpc/security/caller-rights.js';
import type { Handlers } from '../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher, type CallDispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { HttpAuthentication } from '../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcServer } from '../protocol/rpc/xml-rpc/http-server.js';
import type { RpcSession } from '../protocol/rpc/xml-rpc/session.js';
import { SessionServer } from '../protocol/rpc/xml-rpc/session-server.js';
import type { CallOrigin } from './clients/call-origin.js';
import type { AppServerOptions } from './options.js';

const LOOPBACK = '127.0.0.1';

/** Time in which running calls may finish while the app server stops, after the duplicators. */
export const CLOSE_GRACE_MS = 500;

/** Mode of a socket file until `Access` has granted the file to its users and groups. */
const OWNER_ONLY_MODE = 0o600;

/** Time in which a killed predecessor's last threads release its socket. */
const PREDECESSOR_ENDS_WITHIN_MS = 1_000;
const PREDECESSOR_RETRY_MS = 20;

export class Endpoints {
  /** Serves the calls of the host server too, over the app server's own connection to it. */
  readonly dispatcher: CallDispatcher<CallOrigin>;
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #application: string;
  readonly #rights = new CallerRights();
  readonly #sessions: ReadonlyMap<UserRight, SessionServer<CallOrigin>>;
  /** Rights whose socket this server has opened; other sockets are of a dead predecessor. */
  readonly #opened = new Set<UserRight>();
  readonly #http: HttpRpcServer<CallOrigin>;
  #port = 0;

  /** `onSessionClosed` runs for every permanent connection that closes. Opens nothing yet. */
  constructor(
    { directory, application, security }: AppServerOptions,
    handlers: Partial<Handlers<MirrorflowContract, CallOrigin>>,
    onSessionClosed: (session: object) => void,
    clock: Clock,
    log: Logger,
  ) {
    this.#clock = clock;
    this.#directory = directory;
    this.#application = application.name;
    const rights = this.#rights;
    const proving = {
      'child.prove': ([token]: [string], origin: CallOrigin) => rights.proveChild(token, origin),
    };
    const dispatcher = new Dispatcher<MirrorflowContract, CallOrigin>(
      CONTRACT,
      { ...handlers, ...proving },
      { log, granted: rights.of },
    );
    this.dispatcher = dispatcher;
    const limits = { closeGraceMs: CLOSE_GRACE_MS };
    const serverFor = (right: UserRight): SessionServer<CallOrigin> => {
      const context = (session: RpcSession<CallOrigin>): CallOrigin => ({ session, right });
      const server = new SessionServer<CallOrigin>({
        dispatcher,
        context,
        log,
        limits,
        socketMode: OWNER_ONLY_MODE,
      });
      server.on('session', (session) => session.once('close', () => onSessionClosed(session)));
      return server;
    };
    this.#sessions = new Map(USER_RIGHTS.map((right) => [right, serverFor(right)]));
    this.#http = new HttpRpcServer<CallOrigin>(dispatcher, {
      context: (_request, { right }) => ({ session: undefined, right }),
      authentication: new HttpAuthentication({
        rightOfToken: (token) => rights.ofToken(token),
        secret: security.secret,
        clock,
        log,
      }),
      log,
      limits,
    });
  }

  /** Port of XML-RPC over HTTP; 0 before listenOnPort(). */
  get port(): number {
    return this.#port;
  }

  /** Sockets and token files, which must exist while this server runs. */
  get files(): readonly string[] {
    const sockets = USER_RIGHTS.map((right) => appSocketPath(this.#directory, this.#application, right));
    return [...sockets, ...RIGHTS.map((right) => appTokenPath(this.#directory, this.#application, right))];
  }

  /**
   * Creates the token files, and listens on the sockets; `access` decides who may use both. Later
   * calls create removed token files and sockets again. Rejects with ADDRESS_IN_USE, NOT_PERMITTED,
   * NO_SPACE or SYSTEM_ERROR.
   */
  async listenOnSockets(access: Access): Promise<void> {
    this.#rights.prepare(
      USER_RIGHTS,
      (right) => appTokenPath(this.#directory, this.#application, right),
      (path, right, inherited) => access.grant(path, `${right} token`, inherited),
    );
    for (const [right, sessions] of this.#sessions) {
      const path = appSocketPath(this.#directory, this.#application, right);
      if (this.#opened.has(right) && existsSync(path)) continue;
      await this.#listenOnSocket(sessions, path);
      this.#opened.add(right);
      access.grant(path, `${right} socket`);
    }
  }

  /**
   * The caller has claimed the application's name, so a socket in use belongs to a predecessor
   * whose last threads are ending: retries for a while. Rejects with ADDRESS_IN_USE.
   */
  async #listenOnSocket(sessions: SessionServer<CallOrigin>, path: string): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + PREDECESSOR_ENDS_WITHIN_MS;
    for (;;) {
      try {
        await sessions.listen({ path });
        return;
      } catch (error) {
        if (!isMirrorflowError(error, 'ADDRESS_IN_USE') || this.#clock.nowMs() > deadlineMs) throw error;
      }
      await new Promise<void>((resolve) => {
        this.#clock.after(PREDECESSOR_RETRY_MS, resolve);
      });
    }
  }

  /** `port` 0: any free port. Rejects with ADDRESS_IN_USE. */
  async listenOnPort(port: number): Promise<void> {
    const bound = await this.#http.listen({ host: LOOPBACK, port });
    this.#port = 'port' in bound ? bound.port : 0;
  }

  /** Closes every connection and removes sockets and token files. */
  async close(): Promise<void> {
    const sessions = [...this.#sessions.values()].map((server) => server.close());
    await Promise.all([...sessions, this.#http.close()]);
    for (const right of RIGHTS) {
      rmSync(appTokenPath(this.#directory, this.#application, right), { force: true });
    }
  }
}
