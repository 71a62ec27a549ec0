/**
 * Serves XML-RPC over HTTP with node:http: POST to `/` or `/RPC2`. Host servers and app servers
 * each run one. Every request gets a response or a closed connection: a fault for a body that is
 * not a call, an HTTP status for a request that is not XML-RPC; sizes, times and connections are
 * bounded. Listens on a TCP port or Unix socket.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { systemClock, type Clock } from '../../base/clock.js';
import { describeError, ERROR_CODES, MirrorflowError, systemCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/log.js';
import { RateLimitedLog } from '../../base/rate-limited-log.js';
import type { TlsIdentity } from '../security/tls.js';
import { TLS_LISTENER } from '../security/transport.js';
import { decodeCall, encodeError, encodeFault, encodeResponse } from './codec.js';
import type { CallDispatcher } from './dispatcher.js';
import { sortConnection } from './connection-sorter.js';
import { errorForCaller, FACTS_HEADER } from './fault.js';
import { inWholeSeconds, namedMessage } from './foreign-callers.js';
import { readBody, sendBody } from './http-body.js';
import type { Admission, HttpAuthentication, HttpCaller } from './http-authentication.js';
import { authenticationContract } from './system-methods.js';
import { listenOn, type RpcTarget } from './target.js';
import {
  UNPROVEN_CONNECTION_LIMITS,
  UnprovenConnections,
  type UnprovenConnectionLimits,
} from './unproven-connections.js';

/** Bounds of one server; tests set smaller ones. */
export interface HttpServerLimits {
  readonly bodyBytes: number;
  readonly connections: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. */
  readonly requestTimeoutMs: number;
  /**
   * A connection without a byte in either direction for this long is closed; longer than any call
   * takes. Also ends clients that do not read their response.
   */
  readonly idleTimeoutMs: number;
  /** Interval between checks of the timeouts of requests. */
  readonly timeoutCheckMs: number;
  /** How long close() waits for running calls. */
  readonly closeGraceMs: number;
  /** Limits of connections that have not proved anything yet. */
  readonly unproven: UnprovenConnectionLimits;
}

const DEFAULT_LIMITS: HttpServerLimits = {
  bodyBytes: LIMITS.rpcBodyBytes,
  connections: LIMITS.rpcConnections,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  idleTimeoutMs: 120_000,
  timeoutCheckMs: 2_000,
  closeGraceMs: 5_000,
  unproven: UNPROVEN_CONNECTION_LIMITS,
};

/** After this silence the kernel begins to probe whether the caller's machine still responds. */
const KEEP_ALIVE_AFTER_MS = 10_000;

export interface HttpRpcServerOptions<Context> {
  /** Returns the context of a call of this caller; throws to refuse the call. */
  readonly context: (request: IncomingMessage, caller: HttpCaller) => Context;
  /** `none` accepts the calls of every caller that can connect, with the right to control. */
  readonly authentication: HttpAuthentication | 'none';
  readonly log: Logger;
  readonly limits?: Partial<HttpServerLimits>;
  /** If given, the server speaks TLS only. */
  readonly tls?: TlsIdentity | undefined;
  /**
   * Receives and then owns the socket of every connection that begins as a permanent one, and calls
   * `proved` when its peer has proved the secret. Without it, all connections are HTTP.
   */
  readonly sessions?: ((socket: Socket, proved: () => void) => void) | undefined;
  /** Whether an address is one of a configured host, whose connections have places of their own. */
  readonly isPeer?: (address: string) => boolean;
  readonly clock?: Clock;
  /** Called for every request that is not a POST to `/` or `/RPC2`; returns true if it responds. */
  readonly fallback?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

const TLS_HANDSHAKE_TIMEOUT_MS = 5_000;

/** Longest body without a valid token: the calls of a proof are short. */
const UNPROVEN_BODY_BYTES = 4_096;

const XML = /^(?:text|application)\/xml\s*(?:;|$)/i;

export class HttpRpcServer<Context> {
  readonly #server: Server | TlsServer;
  readonly #unproven: UnprovenConnections;
  /** Logs the refusals that unknown callers cause. */
  readonly #refusals: RateLimitedLog;
  readonly #dispatcher: CallDispatcher<Context>;
  readonly #options: HttpRpcServerOptions<Context>;
  readonly #limits: HttpServerLimits;
  #closing: Promise<void> | undefined;

  constructor(dispatcher: CallDispatcher<Context>, options: HttpRpcServerOptions<Context>) {
    this.#dispatcher = dispatcher;
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    const { clock = systemClock, isPeer } = options;
    const refusals = new RateLimitedLog(clock, options.log);
    this.#refusals = refusals;
    this.#unproven = new UnprovenConnections(this.#limits.unproven, clock, isPeer);
    const timeouts = {
      headersTimeout: this.#limits.headersTimeoutMs,
      requestTimeout: this.#limits.requestTimeoutMs,
      connectionsCheckingInterval: this.#limits.timeoutCheckMs,
    };
    this.#server =
      options.tls === undefined
        ? createServer(timeouts)
        : createTlsServer({
            ...timeouts,
            ...options.tls,
            ...TLS_LISTENER,
            handshakeTimeout: TLS_HANDSHAKE_TIMEOUT_MS,
          });
    if (options.sessions !== undefined) this.#sortConnections(options.sessions);
    this.#server.prependListener('connection', (socket: Socket) => {
      socket.setKeepAlive(true, KEEP_ALIVE_AFTER_MS);
      if (options.authentication !== 'none') this.#unproven.add(socket);
    });
    this.#server.timeout = this.#limits.idleTimeoutMs;
    this.#server.maxConnections = this.#limits.connections;
    this.#server.on('drop', () =>
      refusals.warn('connection refused: too many are open', { connections: this.#limits.connections }),
    );
    this.#server.on('clientError', (error, socket) => {
      const tooSlow = systemCode(error) === 'ERR_HTTP_REQUEST_TIMEOUT';
      refusals.warn('connection dropped', {
        reason: describeError(error),
        peer: (socket as Socket).remoteAddress ?? 'local',
      });
      if (socket.writable) {
        const status = tooSlow ? '408 Request Timeout' : '400 Bad Request';
        socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
      }
      (socket as Socket).destroySoon();
    });
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.#answer(request, response).catch((thrown: unknown) => {
        options.log.error('a request failed', { error: thrown });
        response.destroy();
      });
    });
  }

  /** Passes each connection to the sorter instead of directly to node:http. */
  #sortConnections(sessions: (socket: Socket, proved: () => void) => void): void {
    const event = this.#options.tls === undefined ? 'connection' : 'secureConnection';
    const handlers = this.#server.listeners(event) as ((socket: Socket) => void)[];
    this.#server.removeAllListeners(event);
    const http = (socket: Socket): void => {
      for (const handler of handlers) handler.call(this.#server, socket);
    };
    const session = (socket: Socket): void => sessions(socket, () => this.#unproven.proved(socket));
    this.#server.on(event, (socket: Socket) => {
      if (this.#closing === undefined) sortConnection(socket, session, http);
      else socket.destroy();
    });
  }

  /** Listens and resolves with the bound target; see listenOn for the errors. */
  async listen(target: RpcTarget): Promise<RpcTarget> {
    const bound = await listenOn(this.#server, target);
    this.#server.on('error', (error) => this.#options.log.error('server error', { error }));
    return bound;
  }

  /**
   * Accepts no further requests, answers the running ones (for a bounded time) and closes every
   * connection. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const cancel = systemClock.after(
        this.#limits.closeGraceMs,
        () => this.#server.closeAllConnections(),
        true,
      );
      this.#server.close(() => {
        cancel();
        resolve();
      });
      this.#server.closeIdleConnections();
      this.#unproven.close();
    });
    return this.#closing;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    const path = (request.url ?? '').split('?', 1)[0];
    const isRpcPath = path === '/' || path === '/RPC2';
    if (!isRpcPath || request.method !== 'POST') {
      if (this.#options.fallback?.(request, response) === true) return;
      if (!isRpcPath) return refuse(response, 404, 'unknown path; send XML-RPC calls as POST to /RPC2');
      response.setHeader('allow', 'POST');
      return refuse(response, 405, 'send XML-RPC calls as POST');
    }
    // Also refuses foreign web pages: browsers send them with this type only after a CORS
    // preflight.
    if (!XML.test(request.headers['content-type'] ?? '')) {
      return refuse(response, 415, 'the content type of XML-RPC must be text/xml');
    }
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      return refuse(response, 415, 'send the body without content-encoding');
    }
    const { authentication } = this.#options;
    const admission = authentication === 'none' ? ADMITTED : authentication.admit(request);
    if (admission.kind === 'locked') {
      response.setHeader('retry-after', Math.ceil(admission.forMs / 1_000));
      return refuse(response, 429, 'too many failed attempts; try again later');
    }
    const isAdmitted = admission.kind === 'admitted';
    if (isAdmitted) this.#unproven.proved(request.socket);
    const body = await readBody(request, isAdmitted ? this.#limits.bodyBytes : UNPROVEN_BODY_BYTES);
    if (body === 'aborted') return;
    if (!isAdmitted && !isOpenCall(body)) return refuseUnproven(response);
    if (body === 'too large') {
      this.#refusals.warn('request refused: too large', { limitBytes: this.#limits.bodyBytes });
      return refuse(response, 413, `a body has at most ${this.#limits.bodyBytes} bytes`);
    }
    const document = await this.#run(request, body, isAdmitted ? admission.caller : UNPROVEN);
    if (response.destroyed) return;
    // A kept-alive connection would delay close(), also if close() was called during the call.
    if (this.#closing !== undefined) response.setHeader('connection', 'close');
    response.writeHead(200, { 'content-type': 'text/xml; charset=utf-8', 'content-length': document.length });
    sendBody(response, document);
  }

  async #run(request: IncomingMessage, body: Buffer, caller: HttpCaller): Promise<Buffer> {
    const readsFacts = FACTS_HEADER in request.headers;
    try {
      const { method, params } = decodeCall(body);
      const { authentication } = this.#options;
      if (authentication !== 'none' && authentication.isOpen(method)) {
        return encodeResponse(authentication.prove(method, params, request));
      }
      const result = await this.#dispatcher.dispatch(method, params, this.#options.context(request, caller));
      return encodeResponse(readsFacts ? result : inWholeSeconds(result));
    } catch (thrown) {
      if (!(thrown instanceof MirrorflowError)) this.#options.log.error('a call failed', { error: thrown });
      const error = errorForCaller(thrown);
      return readsFacts ? encodeError(error) : encodeFault(ERROR_CODES[error.code], namedMessage(error));
    }
  }
}

const ADMITTED: Admission = { kind: 'admitted', caller: { proof: 'token file', right: 'control' } };
/** The caller of a call without a token, which can only be a call of a proof. */
const UNPROVEN: HttpCaller = { proof: 'none', right: 'read' };

/** Whether a body is a call that needs no authentication. */
function isOpenCall(body: Buffer | 'too large'): boolean {
  if (body === 'too large') return false;
  try {
    return Object.hasOwn(authenticationContract, decodeCall(body).method);
  } catch {
    return false;
  }
}

function refuseUnproven(response: ServerResponse): void {
  response.setHeader('www-authenticate', 'Basic realm="mirrorflow", charset="UTF-8"');
  refuse(
    response,
    401,
    'calls over HTTP need a password: the text of a token file in the runtime directory, from this machine, or a token of system.authenticate',
  );
}

/** Responds with an HTTP status and closes the connection, without reading the rest of the body. */
function refuse(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${text}\n`);
}
