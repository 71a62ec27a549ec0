/**
 * The two ways to call an app server: permanent connections (sessions) on its Unix socket, and
 * XML-RPC over HTTP on a loopback port. Owned by `app-server.ts`. Opens both sockets, replaces the
 * socket file of a dead predecessor, reads the token file; calls go to the handlers it is given.
 */
import type { Clock } from '../protocol/base/clock.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import { readToken } from '../protocol/rpc/security/token-file.js';
import type { Handlers } from '../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher, type CallDispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { HttpAuthentication } from '../protocol/rpc/xml-rpc/http-authentication.js';
import { HttpRpcServer } from '../protocol/rpc/xml-rpc/http-server.js';
import { SessionServer } from '../protocol/rpc/xml-rpc/session-server.js';
import { authorizeOrigin, type CallOrigin } from './clients/call-origin.js';
import type { AppServerOptions } from './options.js';

const LOOPBACK = '127.0.0.1';

/** Time that calls under way have at the end, when the duplicators are stopped already. */
export const CLOSE_GRACE_MS = 500;

/** Time in which a killed predecessor's last threads release its socket; it is tried so often. */
const PREDECESSOR_ENDS_WITHIN_MS = 1_000;
const PREDECESSOR_RETRY_MS = 20;

export class Endpoints {
  /** Serves the calls of the host server too, over the app server's own connection to it. */
  readonly dispatcher: CallDispatcher<CallOrigin>;
  readonly #clock: Clock;
  readonly #sessions: SessionServer<CallOrigin>;
  readonly #http: HttpRpcServer<CallOrigin>;
  #port = 0;

  /** `onSessionClosed` runs for every permanent connection that closes. Opens nothing yet. */
  constructor(
    { directory, security }: AppServerOptions,
    handlers: Partial<Handlers<MirrorflowContract, CallOrigin>>,
    onSessionClosed: (session: object) => void,
    clock: Clock,
    log: Logger,
  ) {
    this.#clock = clock;
    const dispatcher = new Dispatcher<MirrorflowContract, CallOrigin>(CONTRACT, handlers, {
      log,
      authorize: authorizeOrigin,
    });
    this.dispatcher = dispatcher;
    const limits = { closeGraceMs: CLOSE_GRACE_MS };
    this.#sessions = new SessionServer<CallOrigin>({
      dispatcher,
      context: (session) => ({ session }),
      log,
      limits,
    });
    this.#sessions.on('session', (session) => session.once('close', () => onSessionClosed(session)));
    this.#http = new HttpRpcServer<CallOrigin>(dispatcher, {
      context: () => ({ session: undefined }),
      authentication: new HttpAuthentication({
        token: () => readToken(directory),
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

  /**
   * The caller has claimed the application's name, so a socket in use belongs to a predecessor
   * whose last threads are ending: retries for a while. Rejects with ADDRESS_IN_USE.
   */
  async listenOnSocket(path: string): Promise<void> {
    const deadlineMs = this.#clock.nowMs() + PREDECESSOR_ENDS_WITHIN_MS;
    for (;;) {
      try {
        await this.#sessions.listen({ path });
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

  async close(): Promise<void> {
    await Promise.all([this.#sessions.close(), this.#http.close()]);
  }
}
