/**
 * One HTTP GET with a deadline for the whole exchange and a limited body, for rest-client.ts. Opens
 * a connection or uses one that the agent kept. Failures become MirrorflowErrors with the codes
 * SOURCE_UNREACHABLE, SOURCE_PROTOCOL or CLOSED.
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../base/errors.js';
import { printableText } from '../base/printable.js';
import { LIMITS } from '../base/limits.js';
import { nodeHttp } from '../base/lazy-modules.js';

export interface ExchangeOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** `false`: use a new connection for this exchange. */
  readonly agent: Agent | false;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Each of these signals ends the exchange with CLOSED. */
  readonly signals: readonly AbortSignal[];
  /** Whether the request may be sent again when the server has closed the kept connection. */
  readonly repeatable: boolean;
  /** Longest body; LIMITS.restBodyBytes when left out. */
  readonly bodyBytesMax?: number | undefined;
}

export interface Exchanged {
  readonly httpStatus: number;
  readonly body: Uint8Array;
  /** The header `Content-Encoding`, if there is one: the body is not decoded. */
  readonly contentEncoding?: string | undefined;
}

export async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  // Not AbortSignal.any, which stays registered with long-lived signals.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const cancelDeadline = options.clock.after(options.timeoutMs, end);
  for (const signal of options.signals) {
    if (signal.aborted) end();
    signal.addEventListener('abort', end);
  }
  const reuse = { stale: false };
  try {
    return await once(options, ending.signal, reuse).catch((error: unknown) => {
      if (!reuse.stale || !options.repeatable || ending.signal.aborted) throw error;
      return once(options, ending.signal, reuse);
    });
  } catch (error) {
    if (reuse.stale && !options.repeatable && !ending.signal.aborted)
      throw new KeptConnectionLost(options, error);
    throw errorOf(options, ending.signal.aborted, error);
  } finally {
    cancelDeadline();
    for (const signal of options.signals) signal.removeEventListener('abort', end);
  }
}

/**
 * The server has closed a kept connection on which a request was sent that must not be repeated:
 * whether the server has handled it is unknown.
 */
export class KeptConnectionLost extends MirrorflowError {
  constructor({ host, port, path }: ExchangeOptions, cause: unknown) {
    super(
      'SOURCE_UNREACHABLE',
      `${restUrl(host, port, path)} closed the kept connection; whether it handled the request is unknown`,
      { host, port, path },
      cause,
    );
  }
}

/** Sets `reuse.stale` when the request failed on a kept connection before the answer began. */
function once(options: ExchangeOptions, signal: AbortSignal, reuse: { stale: boolean }): Promise<Exchanged> {
  const { host, port, path, agent, bodyBytesMax = LIMITS.restBodyBytes } = options;
  return new Promise((resolve, reject) => {
    let hasAnswer = false;
    const headers = { accept: 'application/json' };
    const request = nodeHttp().request({ host, port, path, agent, signal, headers });
    request.on('response', (response) => {
      hasAnswer = true;
      collect(response, bodyBytesMax).then(
        (body) =>
          resolve({
            httpStatus: response.statusCode ?? 0,
            body,
            contentEncoding: response.headers['content-encoding'],
          }),
        (error: unknown) => {
          request.destroy();
          reject(error);
        },
      );
    });
    request.on('error', (error) => {
      reuse.stale = request.reusedSocket && !hasAnswer;
      reject(error);
    });
    request.end();
  });
}

async function collect(response: IncomingMessage, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > limitBytes) throw new OversizedBody(limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

class OversizedBody extends Error {
  constructor(limitBytes: number) {
    super(`the answer is longer than ${limitBytes} bytes`);
  }
}

function errorOf(options: ExchangeOptions, ended: boolean, error: unknown): MirrorflowError {
  const { host, port, path, timeoutMs } = options;
  const url = restUrl(host, port, path);
  const facts = { host, port, path };
  if (options.signals.some((signal) => signal.aborted))
    return new MirrorflowError('CLOSED', `the request ${url} was aborted`, facts, error);
  if (ended) {
    return new MirrorflowError(
      'SOURCE_UNREACHABLE',
      `${url} did not answer within ${timeoutMs} ms`,
      { ...facts, timeoutMs },
      error,
    );
  }
  if (error instanceof OversizedBody || systemCode(error)?.startsWith('HPE_') === true) {
    return new MirrorflowError(
      'SOURCE_PROTOCOL',
      `${url} did not answer as a SpecTcl REST service: ${printableText(describeError(error))}`,
      facts,
      error,
    );
  }
  return new MirrorflowError(
    'SOURCE_UNREACHABLE',
    `${url} cannot be reached: ${describeError(error)}. Is SpecTcl running there, with its REST service on this port?`,
    facts,
    error,
  );
}

/** The URL of a request, for messages. */
export function restUrl(host: string, port: number, path: string): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}
