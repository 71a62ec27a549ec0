/**
 * What the sender of a request may do: whether it names this server, comes from one of its pages,
 * has signed in, may view, and which applications it sees. All parts of `WebServer` ask it, so that
 * these rules stand once. Asks the kernel for the user of a local connection; keeps no state of its
 * own but the answers about users.
 */
import type { IncomingMessage } from 'node:http';
import { Audience } from '../../protocol/host/access/audience.js';
import { ownNames } from '../../protocol/host/own-names.js';
import {
  isLoopbackHost,
  isOwnHost,
  isOwnOrigin,
  isProxied,
} from '../../protocol/rpc/security/browser-requests.js';
import type { MaySee } from './applications.js';
import type { HttpServer } from './http-server.js';
import { isLocalOnly, type ListeningOptions } from './listening-options.js';
import type { SignIn } from './sign-in.js';

export class RequestAccess {
  readonly #signIn: SignIn;
  readonly #http: HttpServer;
  readonly #names: readonly string[];
  readonly #isLocalOnly: boolean;
  readonly #audience = new Audience();

  constructor(signIn: SignIn, http: HttpServer, options: ListeningOptions) {
    this.#signIn = signIn;
    this.#http = http;
    this.#names = ownNames(options.names);
    this.#isLocalOnly = isLocalOnly(options);
  }

  /** Whether anyone can sign in. */
  get hasSecret(): boolean {
    return this.#signIn.hasSecret;
  }

  /** Whether the request has a name of this server. */
  namesServer({ headers }: IncomingMessage): boolean {
    return isOwnHost(headers.host, this.#names);
  }

  /** Whether a page of this server sent the request. */
  comesFromOwnPage(request: IncomingMessage): boolean {
    const { host, origin } = request.headers;
    return this.namesServer(request) && isOwnOrigin(origin, host);
  }

  /** The connection of a request that has signed in gives its limited place free. */
  signedIn(request: IncomingMessage): boolean {
    const { cookie, authorization } = request.headers;
    const signedIn = this.#signIn.isSignedIn(cookie, authorization, request.socket.remoteAddress);
    if (signedIn) this.#http.releasePlace(request);
    return signedIn;
  }

  /** Viewing needs no sign-in where only programs of this machine can ask. */
  mayView(request: IncomingMessage): boolean {
    const { headers } = request;
    const isLocal = this.#isLocalOnly && isLoopbackHost(headers.host) && !isProxied(headers);
    return isLocal || this.signedIn(request);
  }

  /** What is visible to the other end of a request's connection: the one place that decides it. */
  maySee(request: IncomingMessage): MaySee {
    if (this.signedIn(request)) return () => true;
    return (info) => this.#audience.mayRead(request, info?.readers);
  }
}
