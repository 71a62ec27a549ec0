/**
 * SpecTcl's REST service as the gateway gives it: what the mirror knows is answered here, what only
 * SpecTcl knows is passed on, what would change it only where that was allowed. Every answer has
 * SpecTcl's envelope, also those that are not SpecTcl's.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describeError, systemCode } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { decodeText } from '../../protocol/spectcl/text.js';
import { isLoopback } from '../mirror-directory.js';
import { answerOf, failure, success, type Answer } from './answer.js';
import type { OwnRequests } from './own-requests.js';
import { permissionOf } from './permissions.js';
import { readRequest } from './request.js';
import type { SourceRest } from './source-rest.js';

const CONNECTIONS_MAX = 2_048;
const HEAD_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 60_000;
/** What an error shows of an answer that was none. */
const SHOWN_BYTES = 200;
const OPENING_BRACE = 0x7b;

export interface RestServiceOptions {
  readonly own: OwnRequests;
  readonly source: SourceRest;
  readonly allowChanges: boolean;
  readonly log: Logger;
}

export class RestService {
  readonly #options: RestServiceOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: RestServiceOptions) {
    this.#options = options;
    this.#server = createServer({ headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: HEAD_TIMEOUT_MS });
    this.#server.timeout = IDLE_TIMEOUT_MS;
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on('clientError', (error, socket) => refuse(error, socket as Socket));
  }

  /** Serves a connection from now on; the service owns it. */
  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    if (this.#sockets.size > CONNECTIONS_MAX) {
      this.#options.log.warn('connection refused: too many are open', { connections: CONNECTIONS_MAX });
      socket.destroy();
    } else this.#server.emit('connection', socket);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => undefined);
    // A body has no meaning here; unread it would hold up the connection.
    request.resume();
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (thrown) {
      answer = answerOf(thrown);
      const level = answer.httpStatus === 500 ? 'error' : 'debug';
      this.#options.log[level]('a request failed', { url: request.url?.slice(0, 200), error: thrown });
    }
    if (response.destroyed) return;
    if (answer.httpStatus === 405) response.setHeader('allow', 'GET, HEAD');
    response.writeHead(answer.httpStatus, {
      'content-type': 'application/json',
      'content-length': answer.body.byteLength,
      'cache-control': 'no-store',
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = request.url ?? '';
    const asked = readRequest(request.method, url);
    if ('body' in asked) return asked;
    const { name, query } = asked;
    const handler = this.#options.own.handlers.get(name);
    if (handler === undefined) return this.#passOn(name, url, request.headers['sec-fetch-site']);
    const local = isLoopback(request.socket.remoteAddress) || isOwnAddress(request.socket);
    return success(await handler({ query: (key) => query.get(key) ?? undefined, local }));
  }

  async #passOn(name: string, url: string, fetchSite: string | string[] | undefined): Promise<Answer> {
    const { source, allowChanges } = this.#options;
    const permission = permissionOf(name);
    switch (permission) {
      case 'cached':
        return enveloped(await source.cached(url));
      case 'fresh':
        return enveloped(await source.fresh(url));
      case 'changes':
      case 'unknown': {
        if (!allowChanges) {
          return permission === 'unknown'
            ? failure(404, `SpecTcl's REST service has no ${name.slice(0, 100)}`)
            : failure(
                403,
                `${name.slice(0, 100)} could change SpecTcl, and this gateway was started for reading only`,
              );
        }
        // A page from anywhere can make a browser on this machine ask for any address: it shall not
        // change an experiment.
        if (fetchSite === 'cross-site') return failure(403, 'a page of another site may not change SpecTcl');
        try {
          return enveloped(await source.fresh(url));
        } finally {
          source.forget();
        }
      }
    }
  }
}

/**
 * SpecTcl's server answers some of what it does not know with a page of HTML: a client that expects
 * the envelope gets one.
 */
function enveloped(answer: Answer): Answer {
  const { httpStatus, body } = answer;
  if (body[0] === OPENING_BRACE) return answer;
  const text = decodeText(body.subarray(0, SHOWN_BYTES))
    .replaceAll(/<[^>]*>/g, ' ')
    .trim();
  if (httpStatus === 200) return failure(502, `SpecTcl answered without its envelope: ${text}`);
  return failure(httpStatus, `SpecTcl answered with HTTP status ${httpStatus}: ${text}`);
}

/** A connection from an address to itself is made on one machine. */
function isOwnAddress(socket: Socket): boolean {
  return socket.remoteAddress !== undefined && socket.remoteAddress === socket.localAddress;
}

/** The head of a request could not be read. */
function refuse(error: Error, socket: Socket): void {
  const code = systemCode(error);
  const [httpStatus, reason, text] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large', 'the request is too long']
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout', 'the request did not come to its end']
        : [400, 'Bad Request', `this is no HTTP request: ${describeError(error)}`];
  if (socket.writable && code !== 'ECONNRESET') {
    const body = JSON.stringify({ status: text });
    socket.end(
      `HTTP/1.1 ${httpStatus} ${reason}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroySoon();
}
