/**
 * The HTTP and WebSocket server of the web viewer: connects its parts, and passes each request to
 * the one that answers it. `main.ts` starts it. Opens the listening socket and reads the built
 * page; everything about spectra and applications is below `Applications`.
 *
 * | path                     | answer                                          | needs                 |
 * | ------------------------ | ----------------------------------------------- | --------------------- |
 * | `/`                      | the page, or the sign-in page                   |                       |
 * | `/NAME-HASH.js`, …       | files of the page                               |                       |
 * | `/live`                  | WebSocket of a page                             | own page, view access |
 * | `/metrics`               | Prometheus text                                 | view access           |
 * | `/api/fit`, `/api/peaks` | JSON: fits and peaks of a spectrum              | view access           |
 * | `/api/calibration`       | JSON; POST keeps one                            | view access, own page |
 * | `/api/layout`            | POST keeps a layout                             | view access, own page |
 * | `/api/trend`             | JSON: values of a trend; POST keeps one         | view access, own page |
 * | `/api/alarm`, `/api/acknowledge` | POST keeps, or acknowledges, an alarm   | view access, own page |
 * | `/api/change`            | POST changes SpecTcl                            | signed in, own page   |
 * | `/api/changes`           | JSON: who changed SpecTcl                       | signed in             |
 * | `/api/sums`              | JSON: number of spectra and their counts        | view access           |
 * | `/api/save`              | spectra as a file                               | view access           |
 * | `/api/recorded-trend`    | JSON: sums of a recorded spectrum over time     | view access           |
 * | `/jsroot…`               | JSROOT and its document, where it is installed  | view access           |
 * | `/healthz`, `/session`   | JSON: alive; what this browser may do           |                       |
 * | `/sign-in`, `/sign-out`  | POST: a session cookie                          | own page              |
 *
 * View access: signed-in requests; without signing in those under a loopback name to a viewer that
 * listens on loopback only and has no further name, unless they came through a proxy. Without
 * signing in a request sees the applications that its user may read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { ApiRequests, isKeepingPath } from './api-requests.js';
import { Applications, type ViewedHost } from './applications.js';
import { Assets, setSecurityHeaders } from './assets.js';
import { ChangeRequests } from './change-requests.js';
import { DocumentRequests } from './document-requests.js';
import { sendJson, sendText } from './http.js';
import { HttpServer } from './http-server.js';
import type { JsrootPackage } from './jsroot-package.js';
import { checkListeningOptions, type ListeningOptions } from './listening-options.js';
import { MetricsRequests } from './metrics-requests.js';
import { PageSockets } from './page-sockets.js';
import { RequestAccess } from './request-access.js';
import { SignIn } from './sign-in.js';
import { SignInRequests } from './sign-in-requests.js';

export interface WebServerOptions {
  readonly listening: ListeningOptions;
  readonly host: ViewedHost;
  /** Directory of the built page. */
  readonly assets: string;
  /** Undefined where it is not installed. */
  readonly jsroot: JsrootPackage | undefined;
  readonly version: string;
}

export class WebServer {
  readonly #http: HttpServer;
  readonly #applications: Applications;
  readonly #access: RequestAccess;
  /** For what programs and browsers without a sign-in cause. */
  readonly #refusals: RateLimitedLog;
  readonly #signIns: SignInRequests;
  readonly #documents: DocumentRequests;
  readonly #changes: ChangeRequests;
  readonly #api: ApiRequests;
  readonly #metrics: MetricsRequests;
  readonly #pages: PageSockets;

  /**
   * Throws ADDRESS_IN_USE, START_FAILED without a built page, and BAD_OPTION for listening beyond
   * this machine, or under a further name, without a secret.
   */
  static async start(options: WebServerOptions, log: Logger): Promise<WebServer> {
    checkListeningOptions(options.listening);
    const server = new WebServer(options, log);
    await server.#http.listen();
    return server;
  }

  private constructor(
    { listening, host, assets: directory, jsroot, version }: WebServerOptions,
    log: Logger,
  ) {
    const assets = Assets.load(directory);
    const refusals = new RateLimitedLog(systemClock, log);
    const http = new HttpServer(listening, (from) =>
      refusals.warn('a connection made room for a newer one: too many have not signed in', { from }),
    );
    const signIn = new SignIn(listening.secret, systemClock, () => ({
      port: http.port,
      secure: http.usesTls,
    }));
    const access = new RequestAccess(signIn, http, listening);
    const applications = new Applications(host, log);
    const release = { page: assets.page, jsroot: jsroot !== undefined };
    this.#http = http;
    this.#applications = applications;
    this.#access = access;
    this.#refusals = refusals;
    this.#signIns = new SignInRequests(signIn, access, log, refusals);
    this.#documents = new DocumentRequests(access, applications, assets, jsroot);
    this.#changes = new ChangeRequests(access, applications, host, log);
    this.#api = new ApiRequests(access, applications, this.#changes);
    this.#pages = new PageSockets(access, applications, http, release, { log, refusals });
    this.#metrics = new MetricsRequests(access, applications, version, () => this.#pages.size);
    http.server.on('request', (request, response) => void this.#answer(request, response));
    http.server.on('upgrade', (request, socket, head) => this.#pages.answer(request, socket, head));
  }

  /** As `http://127.0.0.1:7391/`. */
  get address(): string {
    return this.#http.address;
  }

  async close(): Promise<void> {
    this.#pages.close();
    const closed = this.#http.close();
    await this.#changes.close();
    await this.#applications.close();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    if (!this.#access.namesServer(request)) {
      return sendText(response, 421, 'This server does not have that name; --name adds one.');
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    try {
      if (request.method === 'POST') return await this.#post(path, request, response);
      if (request.method === 'GET' || request.method === 'HEAD')
        return await this.#get(path, request, response);
      response.setHeader('Allow', 'GET, HEAD, POST');
      sendText(response, 405, 'GET and HEAD only.');
    } catch (error) {
      this.#refusals.warn('a request failed', { path, error });
      if (!response.headersSent)
        sendText(response, 500, 'The request failed; the log of the web viewer has the reason.');
    }
  }

  async #get(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Nothing about applications: the path needs no sign-in.
    if (path === '/healthz') return sendJson(response, 200, { status: 'ok' });
    if (path === '/session') return this.#signIns.answerSession(request, response);
    if (path === '/metrics') return this.#metrics.answer(request, response);
    if (path.startsWith('/api/')) return this.#api.answer(path, request, response);
    return this.#documents.answer(path, request, response);
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#access.comesFromOwnPage(request)) {
      return sendText(response, 403, 'The request does not come from a page of this server.');
    }
    if (path === '/sign-out') return this.#signIns.signOut(request, response);
    if (path === '/sign-in') return this.#signIns.signIn(request, response);
    if (isKeepingPath(path)) return this.#api.answer(path, request, response);
    sendText(response, 404, 'No such page.');
  }
}
