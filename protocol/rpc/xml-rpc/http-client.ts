/**
 * Calls an XML-RPC server over HTTP on kept-alive connections; time and size of a response are
 * bounded. Used by benchmarks and tests as the counterpart of the HTTP server; the programs of
 * mirrorflow call over sessions. Opens sockets.
 */
import { Agent, request, type IncomingMessage } from 'node:http';
import { MirrorflowError, systemCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { decodeResponse, encodeCall } from './codec.js';
import type { Caller, CallOptions } from './contract.js';
import { FACTS_HEADER } from './fault.js';
import { readBody } from './http-body.js';
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
  readonly #authorization: { readonly authorization?: string };
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  readonly #closed = new AbortController();

  constructor(target: RpcTarget, { timeoutMs = LIMITS.rpcCallTimeoutMs, token }: HttpRpcClientOptions = {}) {
    this.#target = target;
    this.#authorization =
      token === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(`mirrorflow:${token}`).toString('base64')}` };
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Rejects with the error that a fault represents, with TIMED_OUT, with TRANSPORT_ERROR if the
   * server cannot be reached or does not speak XML-RPC, with NOT_PERMITTED if it refuses the token,
   * with CLOSED after close(), or with the reason of an aborted `signal`.
   */
  async call(method: string, params: readonly RpcValue[], options: CallOptions = {}): Promise<RpcValue> {
    const { timeoutMs = this.#timeoutMs, signal } = options;
    signal?.throwIfAborted();
    const timeout = AbortSignal.timeout(timeoutMs);
    const stops = [timeout, this.#closed.signal, ...(signal === undefined ? [] : [signal])];
    try {
      return await this.#exchange(encodeCall(method, params), AbortSignal.any(stops));
    } catch (thrown) {
      if (thrown instanceof MirrorflowError) throw thrown;
      throw this.#failure(method, timeoutMs, thrown, timeout, signal);
    }
  }

  /** Rejects every running call with CLOSED and closes every connection. */
  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  async #exchange(document: Buffer, signal: AbortSignal): Promise<RpcValue> {
    const response = await this.#send(document, signal);
    const body = await readBody(response, LIMITS.rpcBodyBytes);
    signal.throwIfAborted();
    if (body === 'aborted') throw this.#protocolError('closed the connection within its response');
    if (body === 'too large') {
      response.destroy();
      throw this.#protocolError(`responded with more than ${LIMITS.rpcBodyBytes} bytes`);
    }
    if (response.statusCode !== 200) {
      const text = body.toString('utf8', 0, 200).replaceAll(/\s+/g, ' ').trim();
      if (response.statusCode === 401) throw this.#notPermitted(text);
      throw this.#protocolError(`responded with HTTP status ${response.statusCode}: ${text}`);
    }
    return decodeResponse(body);
  }

  #send(document: Buffer, signal: AbortSignal): Promise<IncomingMessage> {
    const target = this.#target;
    return new Promise((resolve, reject) => {
      const sent = request({
        ...('path' in target ? { socketPath: target.path } : { host: target.host, port: target.port }),
        path: '/RPC2',
        method: 'POST',
        agent: this.#agent,
        signal,
        headers: {
          'content-type': 'text/xml; charset=utf-8',
          'content-length': document.length,
          [FACTS_HEADER]: '1',
          ...this.#authorization,
        },
      });
      sent.on('response', resolve);
      sent.on('error', reject);
      sent.end(document);
    });
  }

  #notPermitted(text: string): MirrorflowError {
    const address = formatTarget(this.#target);
    return new MirrorflowError('NOT_PERMITTED', `${address} refused the call: ${text}`, { address });
  }

  #protocolError(what: string): MirrorflowError {
    const address = formatTarget(this.#target);
    return new MirrorflowError('TRANSPORT_ERROR', `${address} ${what}`, { address });
  }

  #failure(
    method: string,
    timeoutMs: number,
    thrown: unknown,
    timeout: AbortSignal,
    signal?: AbortSignal,
  ): unknown {
    const address = formatTarget(this.#target);
    if (this.#closed.signal.aborted) {
      return new MirrorflowError('CLOSED', `${method}: the client of ${address} is closed`, { address });
    }
    if (signal?.aborted === true) return signal.reason;
    if (timeout.aborted) {
      const message = `${address} did not answer ${method} within ${timeoutMs} ms`;
      return new MirrorflowError('TIMED_OUT', message, { address, method, timeoutMs });
    }
    if (systemCode(thrown) === 'ECONNRESET') {
      const message = `${address} closed the connection without a response`;
      return new MirrorflowError('TRANSPORT_ERROR', message, { address }, thrown);
    }
    return connectError(this.#target, thrown);
  }
}
