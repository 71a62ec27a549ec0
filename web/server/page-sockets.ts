/**
 * The WebSockets of pages: accepts or refuses the upgrade of a connection, finds it a place, and
 * starts the session of the page behind it. `WebServer` passes on the upgrades of its HTTP server.
 * Writes to the sockets; a page's data come from `Applications`.
 */
import type { IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import { systemClock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import type { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { PAGE_MESSAGE_BYTES_MAX } from '../wire/messages.js';
import type { Applications, MaySee } from './applications.js';
import { packsFrames } from './frame-line.js';
import { refuseUpgrade, type HttpServer } from './http-server.js';
import { PagePlaces } from './page-places.js';
import { PageSession, type PageSender } from './page-session.js';
import type { RequestAccess } from './request-access.js';
import { followTrends } from './trends/page-trends.js';

/** What all pages are given at their start. */
export interface PageRelease {
  /** Identity of the page's files. */
  readonly page: string;
  /** Whether JSROOT is installed on this host. */
  readonly jsroot: boolean;
}

export class PageSockets {
  readonly #access: RequestAccess;
  readonly #applications: Applications;
  readonly #http: HttpServer;
  readonly #release: PageRelease;
  readonly #log: Logger;
  readonly #refusals: RateLimitedLog;
  readonly #places = new PagePlaces(systemClock);
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: PAGE_MESSAGE_BYTES_MAX,
    // Deflating counts costs more time than it saves on a local network.
    perMessageDeflate: false,
  });

  constructor(
    access: RequestAccess,
    applications: Applications,
    http: HttpServer,
    release: PageRelease,
    logs: { readonly log: Logger; readonly refusals: RateLimitedLog },
  ) {
    this.#access = access;
    this.#applications = applications;
    this.#http = http;
    this.#release = release;
    this.#log = logs.log;
    this.#refusals = logs.refusals;
  }

  /** The number of connected pages. */
  get size(): number {
    return this.#places.size;
  }

  close(): void {
    this.#places.close();
    for (const socket of this.#sockets.clients) socket.terminate();
  }

  /** Answers the upgrade of a connection. */
  answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { host, origin } = request.headers;
    socket.on('error', () => socket.destroy());
    if (request.url?.split('?', 1)[0] !== '/live') return refuseUpgrade(socket, '404 Not Found');
    if (!this.#access.comesFromOwnPage(request)) {
      this.#refusals.warn('refused the WebSocket of a foreign page', { host, origin });
      return refuseUpgrade(socket, '403 Forbidden');
    }
    const signedIn = this.#access.signedIn(request);
    if (!signedIn && !this.#access.mayView(request)) return refuseUpgrade(socket, '401 Unauthorized');
    const from = request.socket.remoteAddress;
    if (!this.#places.makeRoom(signedIn, from)) {
      this.#refusals.warn('refused a page: too many are open', { from });
      return refuseUpgrade(socket, '503 Service Unavailable');
    }
    const maySee = this.#access.maySee(request);
    this.#sockets.handleUpgrade(request, socket, head, (accepted) => {
      this.#places.add(accepted, signedIn, from);
      this.#http.releasePlace(request);
      this.#openPage(accepted, { signedIn, packsFrames: packsFrames(request) }, maySee);
    });
  }

  #openPage(socket: WebSocket, sender: PageSender, maySee: MaySee): void {
    const applications = this.#applications;
    const page = new PageSession(socket, sender, {
      watch: (app) => applications.watchFor(app, maySee),
      calibrations: applications.calibrations,
      layouts: applications.layouts,
      past: applications.past,
      followTrends: (app, send) => followTrends(applications.trends, app, send),
      followNetwork: (receive) => applications.followNetwork(receive, maySee),
      controlPlayer: (app, player) => applications.controlPlayer(app, player),
      controlApplication: (action, app) => applications.controlApplication(action, app),
      log: this.#log,
    });
    page.send({
      kind: 'welcome',
      ...this.#release,
      host: hostname(),
      control: sender.signedIn ? 'yes' : this.#access.hasSecret ? 'sign-in' : 'no-secret',
    });
    const unfollow = applications.followApplications((message) => page.send(message), maySee);
    socket.once('close', unfollow);
  }
}
