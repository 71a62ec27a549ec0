/**
 * Calls an XML-RPC server over HTTP on kept-alive connections; time and size of a response are
 * bounded. Used by benchmarks and tests as the counterpart of the HTTP server; the programs of
 * mirrorflow call over sessions. Opens sockets.
 */
import { Agent, request, type IncomingMessage, type RequestOptions } from 'node:http';
import { systemClock } from '../../base/clock.js';
import { MirrorflowError, systemCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { decodeResponse, encodeCall } from './codec.js';
import type { Caller, CallOptions } from './contract.js';
import { FACTS_HEADER } from './fault.js';
import { readBody, sendBody } from './http-body.js';
import { connectError, formatTarget, type RpcTarget } from './target.js';
import type { RpcValue } from './values.js';

/** Connections of one client; further concurrent calls wait for a free one. */
const CONNECTIONS_MAX = 16;

export interface HttpRpcClientOptions {
  /** The token of the runtime directory or of system.authenticate; sent as Basic password. */
  readonly token?: string;
  /** Default: LIMITS.rpcCallTimeoutMs. */
  readonly timeoutMs?: number;
}

export class HttpRpcClient implements Caller {
  readonly #target: RpcTarget;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  readonly #place: RequestOptions;
  /** Names and values in turn, which Node sends as they are; the length of the body is added. */
  readonly #headers: readonly string[];
  /** What rejects each running call. */
  readonly #running = new Set<(reason: unknown) => void>();
  #closed = false;

  constructor(target: RpcTarget, { timeoutMs = LIMITS.rpcCallTimeoutMs, token }: HttpRpcClientOptions = {}) {
    this.#target = target;
    this.#timeoutMs = timeoutMs;
    this.#place = 'path' in target ? { socketPath: target.path } : { host: target.host, port: target.port };
    this.#headers = [
      'host',
      'path' in target ? 'localhost' : formatTarget(target).slice('tcp://'.length),
      'content-type',
      'text/xml; charset=utf-8',
      FACTS_HEADER,
      '1',
      ...(token === undefined ? [] : ['authorization', `Basic ${base64(`mirrorflow:${token}`)}`]),
    ];
  }

  /**
   * Rejects with the error that a fault represents, with TIMED_OUT, with TRANSPORT_ERROR if the
   * server cannot be reached or does not speak XML-RPC, with NOT_PERMITTED if it refuses the token,
   * with CLOSED after close(), or with the reason of an aborted `signal`.
   */
  async call(method: string, params: readonly RpcValue[], options: CallOptions = {}): Promise<RpcValue> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw this.#closedError();
    return decodeResponse(await this.#exchange(method, encodeCall(method, params), options));
  }

  /** Rejects every running call with CLOSED and closes every connection. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#running) stop(this.#closedError());
    this.#agent.destroy();
  }

  /** Sends the document of a call; resolves with that of the response. */
  #exchange(method: string, document: Buffer, options: CallOptions): Promise<Buffer> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    return new Promise((resolve, reject) => {
      const sent = request({
        ...this.#place,
        path: '/RPC2',
        method: 'POST',
        agent: this.#agent,
        headers: [...this.#headers, 'content-length', String(document.length)],
      });
      const settle = (): void => {
        cancelTimer();
        signal?.removeEventListener('abort', abort);
        this.#running.delete(stop);
      };
      const stop = (reason: unknown): void => {
        settle();
        // oxlint-disable-next-line prefer-promise-reject-errors -- a signal's reason is any value
        reject(reason);
        sent.destroy();
      };
      const abort = (): void => stop(signal?.reason);
      const cancelTimer = systemClock.after(timeoutMs, () => stop(this.#timedOut(method, timeoutMs)), true);
      signal?.addEventListener('abort', abort, { once: true });
      this.#running.add(stop);
      sent.on('error', (error) => stop(this.#connectionError(error)));
      sent.on('response', (response) => {
        this.#read(response).then((body) => {
          settle();
          resolve(body);
        }, stop);
      });
      sendBody(sent, document);
    });
  }

  async #read(response: IncomingMessage): Promise<Buffer> {
    const body = await readBody(response, LIMITS.rpcBodyBytes);
    if (body === 'aborted') throw this.#protocolError('closed the connection within its response');
    if (body === 'too large')
      throw this.#protocolError(`responded with more than ${LIMITS.rpcBodyBytes} bytes`);
    if (response.statusCode === 200) return body;
    const text = body.toString('utf8', 0, 200).replaceAll(/\s+/g, ' ').trim();
    if (response.statusCode === 401) throw this.#notPermitted(text);
    throw this.#protocolError(`responded with HTTP status ${response.statusCode}: ${text}`);
  }

  #notPermitted(text: string): MirrorflowError {
    const address = formatTarget(this.#target);
    return new MirrorflowError('NOT_PERMITTED', `${address} refused the call: ${text}`, { address });
  }

  #protocolError(what: string): MirrorflowError {
    const address = formatTarget(this.#target);
    return new MirrorflowError('TRANSPORT_ERROR', `${address} ${what}`, { address });
  }

  #closedError(): MirrorflowError {
    const address = formatTarget(this.#target);
    return new MirrorflowError('CLOSED', `the client of ${address} is closed`, { address });
  }

  #timedOut(method: string, timeoutMs: number): MirrorflowError {
    const address = formatTarget(this.#target);
    const message = `${address} did not answer ${method} within ${timeoutMs} ms`;
    return new MirrorflowError('TIMED_OUT', message, { address, method, timeoutMs });
  }

  #connectionError(thrown: Error): MirrorflowError {
    if (systemCode(thrown) !== 'ECONNRESET') return connectError(this.#target, thrown);
    const address = formatTarget(this.#target);
    const message = `${address} closed the connection without a response`;
    return new MirrorflowError('TRANSPORT_ERROR', message, { address }, thrown);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
