/** The web process put together: files and numbers over HTTP, one WebSocket for each page. */
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
import { Applications } from './applications.js';
import { Assets, setSecurityHeaders } from './assets.js';
import { metricsText } from './metrics.js';
import { PageSession } from './page-session.js';
import { residentBytes } from './resident-bytes.js';
import { SignIn } from './sign-in.js';

export interface WebServerOptions {
  readonly listen: AddressOf<'tcp'>;
  /** When the port is taken, take any free one. */
  readonly orAnyPort: boolean;
  /** Further names this server is known by, lower case. */
  readonly names: readonly string[];
  readonly secret: Secret | undefined;
  /** Runtime directory of the host server; undefined for the usual places. */
  readonly directory: string | undefined;
  /** Where the built page is. */
  readonly assets: string;
  readonly version: string;
}

const BODY_BYTES_MAX = 4_096;
const PAGES_MAX = 512;
const HEADERS_TIMEOUT_MS = 10_000;

export class WebServer {
  readonly #options: WebServerOptions;
  readonly #log: Logger;
  readonly #assets: Assets;
  readonly #signIn: SignIn;
  readonly #applications: Applications;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #startedMs = performance.now();
  readonly #names: readonly string[];

  /**
   * Throws ADDRESS_IN_USE, START_FAILED without a page, BAD_OPTION for listening beyond this
   * machine without a secret.
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
    const own = hostname().toLowerCase();
    this.#names = [...options.names, own, own.split('.')[0] ?? own];
    this.#http = createServer((request, response) => void this.#answer(request, response));
    this.#http.headersTimeout = HEADERS_TIMEOUT_MS;
    this.#http.requestTimeout = HEADERS_TIMEOUT_MS;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: PAGE_MESSAGE_BYTES_MAX,
      // Counts are small numbers on a fast line: deflating costs more time than it saves.
      perMessageDeflate: false,
    });
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  /** `http://127.0.0.1:7391/`. */
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
      await listening(this.#http, host, port);
    } catch (error) {
      const taken = systemCode(error) === 'EADDRINUSE';
      if (taken && this.#options.orAnyPort && port !== 0) return listening(this.#http, host, 0);
      throw new MirrorflowError(
        taken ? 'ADDRESS_IN_USE' : 'SYSTEM_ERROR',
        `the web viewer cannot listen on ${host}:${port}: ${describeError(error)}`,
        { host, port },
        error,
      );
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    setSecurityHeaders(response);
    if (!isOwnHost(request.headers.host, this.#names)) {
      return sendText(response, 421, 'This server is not known by that name.');
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
      if (!this.#assets.serve(path, request, response)) sendText(response, 404, 'There is no such page.');
    } catch (error) {
      this.#log.warn('a request failed', { path, error });
      if (!response.headersSent) sendText(response, 500, 'This failed; the log says why.');
    }
  }

  async #post(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOwnOrigin(request.headers.origin, request.headers.host)) {
      return sendText(response, 403, 'Not from a page of this server.');
    }
    if (path === '/sign-out') {
      response.setHeader('Set-Cookie', this.#signIn.signOut(request.headers.cookie));
      return sendJson(response, 200, {});
    }
    if (path !== '/sign-in') return sendText(response, 404, 'There is nothing of that name.');
    const secret = await bodyOf(request);
    if (secret === undefined) return sendText(response, 413, 'Too long.');
    const result = this.#signIn.attempt(secret);
    const from = request.socket.remoteAddress;
    switch (result.kind) {
      case 'right':
        response.setHeader('Set-Cookie', this.#signIn.startSession());
        this.#log.info('signed in', { from });
        return sendJson(response, 200, {});
      case 'wrong':
        this.#log.warn('a wrong secret', { from });
        return sendJson(response, 403, { error: 'That is not the shared secret.' });
      case 'too-many':
        this.#log.warn('too many wrong secrets', { from });
        response.setHeader('Retry-After', result.waitS);
        return sendJson(response, 429, { error: `Too many attempts; again in ${result.waitS} s.` });
      default:
        return result satisfies never;
    }
  }

  #signedIn(request: IncomingMessage): boolean {
    return this.#signIn.isSignedIn(request.headers.cookie, request.headers.authorization);
  }

  /** Looking is free on this machine; everywhere else one signs in first. */
  #mayLook(request: IncomingMessage): boolean {
    return isLoopback(this.#options.listen.host) || this.#signedIn(request);
  }

  /** While the browser gets ready, so does what it will ask for. */
  #document(request: IncomingMessage, response: ServerResponse): void {
    const mayLook = this.#mayLook(request);
    if (!this.#assets.serve(mayLook ? '/' : '/gate.html', request, response))
      sendText(response, 404, 'There is no such page.');
    if (mayLook) this.#applications.attachFirstApplication();
  }

  #session(request: IncomingMessage) {
    return {
      mayLook: this.#mayLook(request),
      signedIn: this.#signedIn(request),
      hasSecret: this.#signIn.hasSecret,
    };
  }

  #health(response: ServerResponse): void {
    // Deliberately without a word about applications: it is open to everybody who may connect.
    sendJson(response, 200, { status: 'ok' });
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#mayLook(request)) {
      response.setHeader('WWW-Authenticate', 'Bearer');
      return sendText(response, 401, 'Send the shared secret as bearer token.');
    }
    const picture = await this.#applications.pictureForMetrics();
    const pids = picture.applications.flatMap((app) => [app.pid, ...app.flows.map(({ pid }) => pid)]);
    const own = {
      pages: this.#sockets.clients.size,
      residentBytes: process.memoryUsage.rss(),
      uptimeS: (performance.now() - this.#startedMs) / 1_000,
      version: this.#options.version,
    };
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    response.setHeader('Cache-Control', 'no-store');
    response.writeHead(200).end(metricsText(picture, own, residentBytes(pids)));
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { host, origin } = request.headers;
    const refuse = (status: string): void => {
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    };
    socket.on('error', () => socket.destroy());
    if (request.url !== '/live') return refuse('404 Not Found');
    if (!isOwnHost(host, this.#names) || !isOwnOrigin(origin, host)) {
      this.#log.warn('a WebSocket of another page was refused', { host, origin });
      return refuse('403 Forbidden');
    }
    if (!this.#mayLook(request)) return refuse('401 Unauthorized');
    if (this.#sockets.clients.size >= PAGES_MAX) return refuse('503 Service Unavailable');
    const mayControl = this.#signedIn(request);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      const page = new PageSession(accepted, {
        log: this.#log,
        mayControl,
        watch: (app) => this.#applications.watch(app),
        network: (receive) => this.#applications.followNetwork(receive),
        control: (action, app) => this.#applications.controlApplication(action, app),
      });
      page.send({
        kind: 'welcome',
        version: this.#options.version,
        host: hostname(),
        control: mayControl ? 'yes' : this.#signIn.hasSecret ? 'sign-in' : 'no-secret',
      });
      const leave = this.#applications.followApplications((message) => page.send(message));
      accepted.once('close', leave);
    });
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** Undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status).end(`${text}\n`);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.setHeader('Content-Type', 'application/json');
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status).end(JSON.stringify(value));
}
