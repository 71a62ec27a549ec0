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
 * | `/healthz`, `/session`   | JSON: alive; what this browser may do           |                       |
 * | `/sign-in`, `/sign-out`  | POST: a session cookie                          | own page              |
 *
 * View access: every request on loopback, only signed-in ones beyond it. On loopback a request sees
 * the applications that its user may read, all of them when it has signed in.
 */
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { AddressOf } from '../../protocol/base/address.js';
import { systemClock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { checkListening, isLoopback } from '../../protocol/rpc/security/listening.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { PAGE_MESSAGE_BYTES_MAX } from '../wire/messages.js';
import { isOwnHost, isOwnOrigin } from './access.js';
import { Audience } from '../../protocol/host/access/audience.js';
import { Applications, type MaySee } from './applications.js';
import { Assets, setSecurityHeaders } from './assets.js';
import { listen, readBody, sendJson, sendText } from './http.js';
import { metricsText } from './metrics.js';
import { PageSession } from './page-session.js';
import { SignIn } from './sign-in.js';

export interface WebServerOptions {
  readonly listen: AddressOf<'tcp'>;
  /** Take any free port when the given one is in use. */
  readonly orAnyPort: boolean;
  /** Names of this server besides its host name, lower case. */
  readonly names: readonly string[];
  readonly secret: Secret | undefined;
  /** Runtime directory of the host server; undefined for the default places. */
  readonly directory: string | undefined;
  /** Directory of the built page. */
  readonly assets: string;
  readonly version: string;
}

const PAGES_MAX = 512;
const REQUEST_TIMEOUT_MS = 10_000;
/** Memory pages are 4 KiB on every supported machine. */
const MEMORY_PAGE_BYTES = 4_096;

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #log: Logger;
  readonly #assets: Assets;
  readonly #signIn: SignIn;
  readonly #applications: Applications;
  readonly #audience = new Audience();
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #startedMs = performance.now();
  readonly #names: readonly string[];

  /**
   * Throws ADDRESS_IN_USE, START_FAILED without a built page, and BAD_OPTION for listening beyond
   * this machine without a secret.
   */
  static async start(options: WebServerOptions, log: Logger): Promise<WebServer> {
    checkListening(options.listen, { secret: options.secret, identity: undefined });
    const server = new WebServer(options, log);
    await server.#listen();
    return server;
  }

  private constructor(options: WebServerOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
    this.#assets = Assets.load(options.assets);
    this.#signIn = new SignIn(options.secret, systemClock);
    this.#applications = new Applications(options.directory, log);
    const host = hostname().toLowerCase();
    this.#names = [...options.names, host, host.split('.')[0] ?? host];
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#http.headersTimeout = REQUEST_TIMEOUT_MS;
    this.#http.requestTimeout = REQUEST_TIMEOUT_MS;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: PAGE_MESSAGE_BYTES_MAX,
      // Deflating counts costs more time than it saves on a local network.
      perMessageDeflate: false,
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** As `http://127.0.0.1:7391/`. */
  get address(): string {
    const bound = this.#http.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
    const { host } = this.#options.listen;
    return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#http.closeAllConnections();
    await this.#applications.close();
    await closed;
  }

  async #listen(): Promise<void> {
    const { host, port } = this.#options.listen;
    try {
      await listen(this.#http, host, port);
    } catch (error) {
      const inUse = systemCode(error) === 'EADDRINUSE';
      if (inUse && this.#options.orAnyPort && port !== 0) return listen(this.#http, host, 0);
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
      if (path === '/') return this.#document(request, response);
      if (!this.#assets.serve(path, request, response)) sendText(response, 404, 'No such page.');
    } catch (error) {
      this.#log.warn('a request failed', { path, error });
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
    if (path !== '/sign-in') return sendText(response, 404, 'No such page.');
    const secret = await readBody(request);
    if (secret === undefined) return sendText(response, 413, 'The secret is too long.');
    const result = this.#signIn.attempt(secret);
    const from = request.socket.remoteAddress;
    switch (result.kind) {
      case 'accepted':
        response.setHeader('Set-Cookie', this.#signIn.startSession());
        this.#log.info('signed in', { from });
        return sendJson(response, 200, {});
      case 'wrong':
        this.#log.warn('signing in failed: wrong secret', { from });
        return sendJson(response, 403, { error: 'That is not the shared secret.' });
      case 'too-many':
        this.#log.warn('signing in refused: too many wrong secrets', { from });
        response.setHeader('Retry-After', result.waitS);
        return sendJson(response, 429, { error: `Too many wrong attempts. Try again in ${result.waitS} s.` });
      default:
        return result satisfies never;
    }
  }

  #signedIn(request: IncomingMessage): boolean {
    return this.#signIn.isSignedIn(request.headers.cookie, request.headers.authorization);
  }

  /** Viewing needs no sign-in where only this machine can connect. */
  #mayView(request: IncomingMessage): boolean {
    return isLoopback(this.#options.listen.host) || this.#signedIn(request);
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
    const pids = picture.applications.flatMap((app) => [app.pid, ...app.flows.map(({ pid }) => pid)]);
    const viewer = {
      pages: this.#sockets.clients.size,
      residentBytes: process.memoryUsage.rss(),
      uptimeS: (performance.now() - this.#startedMs) / 1_000,
      version: this.#options.version,
    };
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(200).end(metricsText(picture, viewer, residentBytes(pids)));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { host, origin } = request.headers;
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on('error', () => socket.destroy());
    if (request.url !== '/live') return refuse('404 Not Found');
    if (!isOwnHost(host, this.#names) || !isOwnOrigin(origin, host)) {
      this.#log.warn('refused the WebSocket of a foreign page', { host, origin });
      return refuse('403 Forbidden');
    }
    if (!this.#mayView(request)) return refuse('401 Unauthorized');
    if (this.#sockets.clients.size >= PAGES_MAX) return refuse('503 Service Unavailable');
    const mayControl = this.#signedIn(request);
    const maySee = this.#maySee(request);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      const page = new PageSession(accepted, {
        log: this.#log,
        mayControl,
        watch: (app) => this.#applications.watchFor(app, maySee),
        followNetwork: (receive) => this.#applications.followNetwork(receive, maySee),
        controlApplication: (action, app) => this.#applications.controlApplication(action, app),
      });
      page.send({
        kind: 'welcome',
        version: this.#options.version,
        host: hostname(),
        control: mayControl ? 'yes' : this.#signIn.hasSecret ? 'sign-in' : 'no-secret',
      });
      const unfollow = this.#applications.followApplications((message) => page.send(message), maySee);
      accepted.once('close', unfollow);
    });
  }
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
