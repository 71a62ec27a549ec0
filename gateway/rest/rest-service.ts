/**
 * The gateway's REST service, which answers as SpecTcl's does.
 *
 * `gateway.ts` passes it connections. Requests that the mirror can answer are answered here, other
 * reading requests are forwarded to SpecTcl, changing ones only as `RequestGuard` allows. Every
 * answer has SpecTcl's JSON envelope, errors of the gateway included.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describeError, systemCode } from '../../protocol/base/errors.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { RateLimitedLog } from '../../protocol/base/rate-limited-log.js';
import { decodeText } from '../../protocol/spectcl/text.js';
import { peerOf } from '../mirror-directory.js';
import { answerOf, failure, type Answer } from './answer.js';
import type { LastAnswers } from './last-answers.js';
import type { LocalRequests } from './local-requests.js';
import { OutgoingBytes } from './outgoing-bytes.js';
import { isListRequest, permissionOf } from './permissions.js';
import type { Refusal, RequestGuard } from './request-guard.js';
import { foldSlashes, readRequest } from './request.js';
import type { SourceRest } from './source-rest.js';

const HEAD_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
const CHECK_INTERVAL_MS = 2_000;
/** Bytes of an unusable answer that an error quotes. */
const SHOWN_BYTES = 200;
const OPENING_BRACE = 0x7b;
const SPACE = 0x20;

export interface RestServiceOptions {
  readonly localRequests: LocalRequests;
  readonly source: SourceRest;
  readonly lastAnswers: LastAnswers;
  /** Asked last: finding the user of a connection costs more than reading a request. */
  readonly mayRead: (socket: Socket) => Promise<boolean>;
  readonly guard: RequestGuard;
  readonly clock: Clock;
  readonly log: Logger;
}

export class RestService {
  readonly #options: RestServiceOptions;
  readonly #refusals: RateLimitedLog;
  readonly #outgoing = new OutgoingBytes();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: RestServiceOptions) {
    this.#options = options;
    this.#refusals = new RateLimitedLog(options.clock, options.log);
    this.#server = createServer({
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: HEAD_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
    });
    this.#server.timeout = IDLE_TIMEOUT_MS;
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on('clientError', (error, socket) => refuseUnreadable(error, socket as Socket));
  }

  /** Serves a connection, which the service owns from now on. */
  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#server.emit('connection', socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    // A body has no meaning here; unread it would block the connection.
    request.resume();
    let answer: Answer;
    try {
      const found = await this.#answer(request);
      if (found === undefined) {
        request.socket.destroy();
        return;
      }
      answer = found;
    } catch (thrown) {
      answer = answerOf(thrown, isListRequest(requestName(request.url ?? '')));
      if (answer.httpStatus === 500)
        this.#refusals.warn('a request failed', { url: request.url, error: thrown });
      else this.#options.log.debug('a request failed', { url: request.url, error: thrown });
    }
    if (response.destroyed) return;
    if (!this.#outgoing.add(answer.body)) {
      answer = failure(503, 'too many large answers wait for their readers; try again later');
      this.#outgoing.add(answer.body);
    }
    const { body } = answer;
    response.once('close', () => this.#outgoing.remove(body));
    if (answer.httpStatus === 405) response.setHeader('allow', 'GET, HEAD');
    if (answer.httpStatus === 401) response.setHeader('www-authenticate', 'Bearer');
    response.writeHead(answer.httpStatus, {
      'content-type': 'application/json',
      ...(answer.contentEncoding !== undefined && { 'content-encoding': answer.contentEncoding }),
      'content-length': answer.body.byteLength,
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  /** Undefined for a user who may not read. */
  async #answer(request: IncomingMessage): Promise<Answer | undefined> {
    const url = foldSlashes(request.url ?? '');
    const parsed = readRequest(request.method, url);
    if ('body' in parsed) return parsed;
    const { name, query } = parsed;
    const { guard } = this.#options;
    const refusal = guard.refusal(request.headers);
    if (refusal !== undefined) return this.#refuse(name, refusal, request);
    if (!(await this.#options.mayRead(request.socket))) return undefined;
    const handler = this.#options.localRequests.handlers.get(name);
    const context = { query: (key: string) => query.get(key) ?? undefined, peer: peerOf(request.socket) };
    const answer = await handler?.(context);
    return answer ?? this.#forward(name, url, request);
  }

  async #forward(name: string, url: string, request: IncomingMessage): Promise<Answer> {
    const { source, lastAnswers, guard } = this.#options;
    const permission = permissionOf(name);
    switch (permission) {
      case 'cached':
        return enveloped(await lastAnswers.get(url));
      case 'fresh':
        return enveloped(await source.fresh(url, { repeatable: true }));
      case 'changes':
      case 'unknown': {
        if (!guard.allowChanges) {
          return permission === 'unknown'
            ? failure(404, `SpecTcl's REST service has no ${name.slice(0, 100)}`)
            : failure(
                403,
                `${name.slice(0, 100)} could change SpecTcl; this gateway was started without allowChanges`,
              );
        }
        const refusal = guard.changeRefusal(request.headers);
        if (refusal !== undefined) return this.#refuse(name, refusal, request);
        try {
          return enveloped(await source.fresh(url));
        } finally {
          source.clearCache();
        }
      }
    }
  }

  #refuse(name: string, { httpStatus, reason }: Refusal, { headers, socket }: IncomingMessage): Answer {
    const { host, origin } = headers;
    this.#refusals.warn('a request is refused', { reason, host, origin, from: socket.remoteAddress });
    return failure(httpStatus, reason, isListRequest(name) ? [] : undefined);
  }
}

/** SpecTcl answers some unknown requests with an HTML page, which is put into an envelope here. */
function enveloped(answer: Answer): Answer {
  const { httpStatus, body, contentEncoding } = answer;
  if (contentEncoding !== undefined || firstVisible(body) === OPENING_BRACE) return answer;
  const text = decodeText(body.subarray(0, SHOWN_BYTES))
    .replaceAll(/<[^>]*>/g, ' ')
    .trim();
  if (httpStatus === 200) return failure(502, `SpecTcl answered without its envelope: ${text}`);
  return failure(httpStatus, `SpecTcl answered with HTTP status ${httpStatus}: ${text}`);
}

/** The first byte of a body that is not white space: Tcl programs may begin with a line end. */
function firstVisible(body: Uint8Array): number | undefined {
  return body.find((byte) => byte > SPACE);
}

function requestName(url: string): string {
  return /^\/spectcl\/([^?#]*)/.exec(foldSlashes(url))?.[1] ?? '';
}

/** Answers a request whose head could not be parsed, and closes the connection. */
function refuseUnreadable(error: Error, socket: Socket): void {
  const code = systemCode(error);
  const [httpStatus, reason, text] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large', 'the request is too long']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', 'the request was not complete in time']
        : [400, 'Bad Request', `this is no HTTP request: ${describeError(error)}`];
  if (socket.writable && code !== 'ECONNRESET') {
    const body = JSON.stringify({ status: text, detail: text });
    socket.end(
      `HTTP/1.1 ${httpStatus} ${reason}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
