/**
 * The HTTP and WebSocket server of the web viewer: the page's files, signing in, metrics for
 * Prometheus, and one WebSocket per page. `main.ts` starts it. Opens the listening socket, reads
 * the built page, and /proc for the memory of processes; everything about spectra and applications
 * is below `Applications`.
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
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { AddressOf } from '../../protocol/base/address.js';
import { systemClock } from '../../protocol/base/clock.js';
import {
  MirrorflowError,
  describeError,
  isMirrorflowError,
  systemCode,
  type ErrorCode,
} from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import type { AlarmActions } from '../../protocol/host/alarm-actions.js';
import { ownNames } from '../../protocol/host/own-names.js';
import {
  isLoopbackHost,
  isOwnHost,
  isOwnOrigin,
  isProxied,
} from '../../protocol/rpc/security/browser-requests.js';
import { checkListening, isLoopback } from '../../protocol/rpc/security/listening.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import type { TlsIdentity } from '../../protocol/rpc/security/tls.js';
import { PAGE_MESSAGE_BYTES_MAX } from '../wire/messages.js';
import {
  answerCalibration,
  answerFit,
  answerPeaks,
  checkedApp,
  requestWords,
  setCalibration,
  type RequestWords,
} from './analysis-requests.js';
import { Audience } from '../../protocol/host/access/audience.js';
import { Applications, type MaySee } from './applications.js';
import { Assets, setSecurityHeaders } from './assets.js';
import { ChangeLog } from './change-log.js';
import { changeTarget } from './change-target.js';
import { answerSums } from './count-requests.js';
import { packsFrames } from './frame-line.js';
import { listen, readBody, sendJson, sendText } from './http.js';
import { HttpServer, refuseUpgrade } from './http-server.js';
import {
  JSROOT_DOCUMENT_PATH,
  JSROOT_SCRIPT_PATH,
  setJsrootPolicy,
  type JsrootPackage,
} from './jsroot-package.js';
import { LAYOUT_BODY_BYTES_MAX, setLayout } from './layout-requests.js';
import { metricsText } from './metrics.js';
import { PagePlaces } from './page-places.js';
import { PageSession } from './page-session.js';
import { SaveRequests } from './save-requests.js';
import { SignIn } from './sign-in.js';
import { followTrends } from './trends/page-trends.js';
import { acknowledgeAlarm, answerTrend, setAlarm, setTrend } from './trends/trend-requests.js';
import { changeFields, SpecTclChanges, type ChangeRecord } from './spectcl-changes.js';
import { answerRecordedTrend } from './recorded-trend-requests.js';

export interface WebServerOptions {
  readonly listen: AddressOf<'tcp' | 'tls'>;
  /** Take any free port when the given one is in use. */
  readonly orAnyPort: boolean;
  /** Names of this server besides its host name, lower case. */
  readonly names: readonly string[];
  readonly secret: Secret | undefined;
  /** The certificate of this host; with it, the viewer serves other machines over TLS only. */
  readonly identity: TlsIdentity | undefined;
  /** Runtime directory of the host server; undefined for the default places. */
  readonly directory: string | undefined;
  /** Where calibrations, layouts, trends, alarms and the record of changes are kept. */
  readonly stateDirectory: string;
  /** Directories in which recordings lie. */
  readonly recordings: readonly string[];
  /** What alarms do outside of the page; undefined: nothing. */
  readonly alarmActions?: AlarmActions | undefined;
  /** Directory of the built page. */
  readonly assets: string;
  /** Undefined where it is not installed. */
  readonly jsroot: JsrootPackage | undefined;
  readonly version: string;
}

/** Statuses of errors that a request causes; 500 for the others. */
const HTTP_STATUS: Partial<Record<ErrorCode, number>> = {
  BAD_OPTION: 400,
  BAD_NAME: 400,
  NOT_PERMITTED: 403,
  TOO_LARGE: 413,
  UNKNOWN_APPLICATION: 404,
  UNKNOWN_SPECTRUM: 404,
  NOT_RUNNING: 409,
  SOURCE_REFUSED: 409,
  SOURCE_UNREACHABLE: 502,
  LIMIT_REACHED: 503,
  TIMED_OUT: 504,
};
/** What keeps the body of a POST, by path. */
const KEPT: Readonly<
  Record<string, (applications: Applications, maySee: MaySee, body: string) => Promise<object>>
> = {
  '/api/calibration': setCalibration,
  '/api/layout': setLayout,
  '/api/trend': setTrend,
  '/api/alarm': setAlarm,
  '/api/acknowledge': acknowledgeAlarm,
};
/** Requests that keep or change something; each is a POST of a page of this server. */
const KEEPING_PATHS = new Set([...Object.keys(KEPT), '/api/change']);
/** Largest body of a change of SpecTcl: a gate with all its points. */
const CHANGE_BODY_BYTES_MAX = 128 * 1024;
/** Memory pages are 4 KiB on every supported machine. */
const MEMORY_PAGE_BYTES = 4_096;

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #log: Logger;
  /** For what programs and browsers without a sign-in cause. */
  readonly #refusals: RateLimitedLog;
  readonly #assets: Assets;
  readonly #signIn: SignIn;
  readonly #applications: Applications;
  readonly #saves: SaveRequests;
  readonly #changes: SpecTclChanges;
  readonly #changeLog: ChangeLog;
  /** Settles when all changes so far are recorded; never rejects. */
  #recorded: Promise<void> = Promise.resolve();
  readonly #audience = new Audience();
  readonly #http: HttpServer;
  readonly #usesTls: boolean;
  readonly #sockets: WebSocketServer;
  readonly #pages = new PagePlaces(systemClock);
  readonly #startedMs = performance.now();
  readonly #names: readonly string[];

  /**
   * Throws ADDRESS_IN_USE, START_FAILED without a built page, and BAD_OPTION for listening beyond
   * this machine, or under a further name, without a secret.
   */
  static async start(options: WebServerOptions, log: Logger): Promise<WebServer> {
    checkListening(options.listen, { ...options, trust: { ca: undefined } });
    checkNames(options);
    const server = new WebServer(options, log);
    await server.#listen();
    return server;
  }

  private constructor(options: WebServerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#assets = Assets.load(options.assets);
    this.#signIn = new SignIn(options.secret, systemClock, () => ({
      port: this.#port,
      secure: this.#usesTls,
    }));
    const { directory, stateDirectory, recordings, alarmActions } = options;
    this.#applications = new Applications(directory, stateDirectory, recordings, alarmActions, log);
    this.#saves = new SaveRequests(this.#applications);
    this.#changeLog = new ChangeLog(options.stateDirectory, log);
    this.#changes = new SpecTclChanges({
      target: (app) => changeTarget(app, options.directory),
      refreshLists: (app) => this.#applications.refreshMetadata(app),
      onChange: (record) => {
        log.info('a change of SpecTcl', changeFields(record));
        this.#recorded = this.#recorded.then(() => this.#record(record));
      },
    });
    this.#refusals = new RateLimitedLog(systemClock, log);
    this.#names = ownNames(options.names);
    const { listen, identity } = options;
    this.#usesTls = listen.scheme === 'tls';
    this.#http = new HttpServer(this.#usesTls ? identity : undefined, (from) =>
      this.#refusals.warn('a connection made room for a newer one: too many have not signed in', { from }),
    );
    this.#http.server.on('request', (request, response) => void this.#answer(request, response));
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: PAGE_MESSAGE_BYTES_MAX,
      // Deflating counts costs more time than it saves on a local network.
      perMessageDeflate: false,
    });
    this.#http.server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** As `http://127.0.0.1:7391/`. */
  get address(): string {
    const { host } = this.#options.listen;
    const scheme = this.#usesTls ? 'https' : 'http';
    return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${this.#port}/`;
  }

  get #port(): number {
    const bound = this.#http.server.address();
    return typeof bound === 'object' && bound !== null ? bound.port : 0;
  }

  async close(): Promise<void> {
    this.#pages.close();
    for (const socket of this.#sockets.clients) socket.terminate();
    const { server } = this.#http;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await this.#recorded;
    await this.#applications.close();
    await closed;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options.listen;
    try {
      await listen(this.#http.server, host, port);
    } catch (error) {
      const inUse = systemCode(error) === 'EADDRINUSE';
      if (inUse && this.#options.orAnyPort && port !== 0) return listen(this.#http.server, host, 0);
      throw new MirrorflowError(
        inUse ? 'ADDRESS_IN_USE' : 'SYSTEM_ERROR',
        `the web viewer cannot listen on ${host}:${port}: ${describeError(error)}`,
        { host, port },
        error,
      );
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    if (!isOwnHost(request.headers.host, this.#names)) {
      return sendText(response, 421, 'This server does not have that name; --name adds one.');
    }
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    try {
      if (request.method === 'POST') return await this.#post(path, request, response);
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.setHeader('Allow', 'GET, HEAD, POST');
        return sendText(response, 405, 'GET and HEAD only.');
      }
      if (path === '/healthz') return this.#health(response);
      if (path === '/session') return sendJson(response, 200, this.#session(request));
      if (path === '/metrics') return await this.#metrics(request, response);
      if (path.startsWith('/api/')) return await this.#analyse(path, request, response);
      if (path === '/') return this.#document(request, response);
      if (path === JSROOT_DOCUMENT_PATH || path === JSROOT_SCRIPT_PATH)
        return await this.#serveJsroot(path, request, response);
      if (!this.#assets.serve(path, request, response)) sendText(response, 404, 'No such page.');
    } catch (error) {
      this.#refusals.warn('a request failed', { path, error });
      if (!response.headersSent)
        sendText(response, 500, 'The request failed; the log of the web viewer has the reason.');
    }
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOwnOrigin(request.headers.origin, request.headers.host)) {
      return sendText(response, 403, 'The request does not come from a page of this server.');
    }
    if (path === '/sign-out') {
      response.setHeader('Set-Cookie', this.#signIn.signOut(request.headers.cookie));
      return sendJson(response, 200, {});
    }
    if (KEEPING_PATHS.has(path)) return this.#analyse(path, request, response);
    if (path !== '/sign-in') return sendText(response, 404, 'No such page.');
    const secret = await readBody(request);
    if (secret === undefined) return sendText(response, 413, 'The secret is too long.');
    const from = request.socket.remoteAddress;
    const result = this.#signIn.attempt(secret, from);
    switch (result.kind) {
      case 'accepted':
        response.setHeader('Set-Cookie', this.#signIn.startSession());
        this.#log.info('signed in', { from });
        return sendJson(response, 200, {});
      case 'wrong':
        this.#refusals.warn('signing in failed: wrong secret', { from });
        return sendJson(response, 403, { error: 'That is not the shared secret.' });
      case 'too-many':
        this.#refusals.warn('signing in refused: too many wrong secrets', { from });
        response.setHeader('Retry-After', result.waitS);
        return sendJson(response, 429, { error: `Too many wrong attempts. Try again in ${result.waitS} s.` });
      default:
        return result satisfies never;
    }
  }

  /** All below `/api/`; errors are answered with their code. */
  async #analyse(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayView(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return sendJson(response, 401, { error: { code: 'NOT_PERMITTED', message: 'Sign in first.' } });
    }
    try {
      if (path === '/api/save') {
        const maySee = this.#maySee(request);
        return await this.#saves.answer(maySee, request.url ?? '', response);
      }
      const answer = await this.#analysis(path, request, response);
      if (answer === undefined) return sendText(response, 404, 'No such page.');
      sendJson(response, 200, answer);
    } catch (error) {
      if (!isMirrorflowError(error)) throw error;
      const { code, message, facts } = error;
      sendJson(response, HTTP_STATUS[code] ?? 500, { error: { code, message, facts } });
    }
  }

  async #analysis(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<object | undefined> {
    const maySee = this.#maySee(request);
    if (request.method === 'POST') {
      if (path === '/api/change') return this.#change(request);
      if (this.#signIn.hasSecret && !this.#signedIn(request)) {
        throw new MirrorflowError(
          'NOT_PERMITTED',
          'sign in to keep calibrations, layouts, trends and alarms',
        );
      }
      const body = await readBody(request, LAYOUT_BODY_BYTES_MAX);
      if (body === undefined) throw new MirrorflowError('TOO_LARGE', 'the request is too long');
      return KEPT[path]?.(this.#applications, maySee, body);
    }
    if (path === '/api/sums') return answerSums(this.#applications, maySee, request.url ?? '');
    const words = requestWords(request.url ?? '');
    if (path === '/api/changes') return this.#recordedChanges(request, words);
    if (path === '/api/fit') return answerFit(this.#applications, maySee, words);
    if (path === '/api/peaks') return answerPeaks(this.#applications, maySee, words);
    if (path === '/api/recorded-trend')
      return answerRecordedTrend(this.#applications, maySee, words, response);
    if (path === '/api/trend') return answerTrend(this.#applications, maySee, words);
    return path === '/api/calibration' ? answerCalibration(this.#applications, maySee, words) : undefined;
  }

  /** A change of SpecTcl, always by a browser or program that has signed in. */
  async #change(request: IncomingMessage): Promise<object> {
    if (!this.#signedIn(request)) {
      throw new MirrorflowError(
        'NOT_PERMITTED',
        this.#signIn.hasSecret
          ? 'sign in to change SpecTcl'
          : 'this viewer has no secret, so that no page may change SpecTcl: give --secret-file',
      );
    }
    const body = await readBody(request, CHANGE_BODY_BYTES_MAX);
    if (body === undefined) throw new MirrorflowError('TOO_LARGE', 'the change is too long');
    const who = request.headers.cookie === undefined ? 'program' : 'page';
    return this.#changes.answer({ who, address: request.socket.remoteAddress ?? '' }, body);
  }

  /** A name that is no application gets no file. */
  async #record(record: ChangeRecord): Promise<void> {
    if (await this.#applications.knows(record.app, () => true)) this.#changeLog.append(record);
  }

  /** The record names addresses, so that only those see it who may change something. */
  async #recordedChanges(request: IncomingMessage, words: RequestWords): Promise<object> {
    if (!this.#signedIn(request)) {
      throw new MirrorflowError('NOT_PERMITTED', 'sign in to see who changed SpecTcl');
    }
    const app = await checkedApp(this.#applications, this.#maySee(request), words.get('app') ?? '');
    await this.#recorded;
    return { changes: this.#changeLog.recent(app) };
  }

  #signedIn(request: IncomingMessage): boolean {
    const { cookie, authorization } = request.headers;
    const signedIn = this.#signIn.isSignedIn(cookie, authorization, request.socket.remoteAddress);
    if (signedIn) this.#http.releasePlace(request);
    return signedIn;
  }

  /** Viewing needs no sign-in where only programs of this machine can ask. */
  #mayView(request: IncomingMessage): boolean {
    const { listen, names } = this.#options;
    const isLocal = isLoopback(listen.host) && names.every(isLoopback);
    const { headers } = request;
    return (isLocal && isLoopbackHost(headers.host) && !isProxied(headers)) || this.#signedIn(request);
  }

  /** What is visible to the other end of a request's connection: the one place that decides it. */
  #maySee(request: IncomingMessage): MaySee {
    if (this.#signedIn(request)) return () => true;
    return (info) => this.#audience.mayRead(request, info?.readers);
  }

  /** Attaches to the first application while the browser loads the page. */
  #document(request: IncomingMessage, response: ServerResponse): void {
    const mayView = this.#mayView(request);
    if (!this.#assets.serve(mayView ? '/' : '/gate.html', request, response))
      sendText(response, 404, 'No such page.');
    if (mayView) this.#applications.attachFirstApplication();
  }

  /** JSROOT or the document that draws with it, for requests that may view. */
  async #serveJsroot(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { jsroot } = this.#options;
    if (jsroot === undefined) return sendText(response, 404, 'JSROOT is not installed on this host.');
    if (!this.#mayView(request)) return sendText(response, 401, 'Sign in first, on the page of this viewer.');
    if (path === JSROOT_SCRIPT_PATH) return jsroot.serveScript(request, response);
    setJsrootPolicy(response);
    if (!this.#assets.serve(path, request, response)) sendText(response, 404, 'No such page.');
  }

  #session(request: IncomingMessage) {
    return {
      mayLook: this.#mayView(request),
      signedIn: this.#signedIn(request),
      hasSecret: this.#signIn.hasSecret,
    };
  }

  #health(response: ServerResponse): void {
    // Nothing about applications: the path needs no sign-in.
    sendJson(response, 200, { status: 'ok' });
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayView(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return sendText(response, 401, 'Send the shared secret as bearer token.');
    }
    const picture = await this.#applications.pictureForMetrics(this.#maySee(request));
    const trends = this.#applications.trendMetrics(this.#maySee(request));
    const pids = picture.applications.flatMap((app) => [
      app.pid,
      app.recorder?.pid,
      ...app.flows.map(({ pid }) => pid),
    ]);
    const viewer = {
      pages: this.#pages.size,
      residentBytes: process.memoryUsage.rss(),
      uptimeS: (performance.now() - this.#startedMs) / 1_000,
      version: this.#options.version,
    };
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(200).end(metricsText(picture, viewer, residentBytes(pids), trends));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { host, origin } = request.headers;
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?', 1)[0] !== '/live') return refuseUpgrade(socket, '404 Not Found');
    if (!isOwnHost(host, this.#names) || !isOwnOrigin(origin, host)) {
      this.#refusals.warn('refused the WebSocket of a foreign page', { host, origin });
      return refuseUpgrade(socket, '403 Forbidden');
    }
    const signedIn = this.#signedIn(request);
    if (!signedIn && !this.#mayView(request)) return refuseUpgrade(socket, '401 Unauthorized');
    const from = request.socket.remoteAddress;
    if (!this.#pages.makeRoom(signedIn, from)) {
      this.#refusals.warn('refused a page: too many are open', { from });
      return refuseUpgrade(socket, '503 Service Unavailable');
    }
    const maySee = this.#maySee(request);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.#pages.add(accepted, signedIn, from);
      this.#http.releasePlace(request);
      this.#openPage(accepted, { signedIn, maySee, packsFrames: packsFrames(request) });
    });
  }

  #openPage(
    socket: WebSocket,
    { signedIn, maySee, packsFrames }: { signedIn: boolean; maySee: MaySee; packsFrames: boolean },
  ): void {
    const page = new PageSession(socket, {
      log: this.#log,
      signedIn,
      packsFrames,
      watch: (app) => this.#applications.watchFor(app, maySee),
      calibrations: this.#applications.calibrations,
      layouts: this.#applications.layouts,
      past: this.#applications.past,
      followTrends: (app, send) => followTrends(this.#applications.trends, app, send),
      followNetwork: (receive) => this.#applications.followNetwork(receive, maySee),
      controlPlayer: (app, player) => this.#applications.controlPlayer(app, player),
      controlApplication: (action, app) => this.#applications.controlApplication(action, app),
    });
    page.send({
      kind: 'welcome',
      page: this.#assets.page,
      host: hostname(),
      jsroot: this.#options.jsroot !== undefined,
      control: signedIn ? 'yes' : this.#signIn.hasSecret ? 'sign-in' : 'no-secret',
    });
    const unfollow = this.#applications.followApplications((message) => page.send(message), maySee);
    socket.once('close', unfollow);
  }
}

/** Throws BAD_OPTION for a name that other machines use, without a secret to sign in with. */
function checkNames({ names, secret }: WebServerOptions): void {
  const foreign = names.find((name) => !isLoopback(name));
  if (foreign === undefined || secret !== undefined) return;
  throw new MirrorflowError(
    'BAD_OPTION',
    `--name ${foreign}: a viewer that other machines reach requires a shared secret: give --secret-file`,
    { name: foreign },
  );
}

/**
 * Resident memory of processes by id, in bytes: proc(5), /proc/pid/statm, second field, in memory
 * pages. Leaves out processes that ended or belong to another user.
 */
function residentBytes(pids: readonly (number | undefined)[]): Map<number, number> {
  const bytes = new Map<number, number>();
  for (const pid of pids) {
    if (pid === undefined) continue;
    try {
      const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
      if (Number.isFinite(pages)) bytes.set(pid, pages * MEMORY_PAGE_BYTES);
    } catch {
      // The process ended in between.
    }
  }
  return bytes;
}
