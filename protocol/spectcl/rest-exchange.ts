/**
 * One HTTP GET with a total deadline and a bounded body. Every way it can fail without an answer of
 * the service itself becomes SOURCE_UNREACHABLE, SOURCE_PROTOCOL or CLOSED here.
 */
import type { Agent, IncomingMessage } from 'node:http';
import type { Clock } from '../base/clock.js';
import { MirrorflowError, describeError, systemCode } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import { nodeHttp } from '../base/lazy-modules.js';

export interface ExchangeOptions {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  /** `false`: a connection of its own. */
  readonly agent: Agent | false;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Any of them ends the exchange with CLOSED. */
  readonly signals: readonly AbortSignal[];
  /**
   * Whether it may be asked a second time when a kept connection turns out to be closed by the
   * server.
   */
  readonly repeatable: boolean;
}

export interface Exchanged {
  readonly httpStatus: number;
  readonly body: Uint8Array;
}

export async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  // A controller of its own and listeners that go again: AbortSignal.any would stay with signals
  // that live for long.
  const ending = new AbortController();
  const end = (): void => ending.abort();
  const patient = options.clock.after(options.timeoutMs, end);
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
    throw explain(options, ending.signal.aborted, error);
  } finally {
    patient();
    for (const signal of options.signals) signal.removeEventListener('abort', end);
  }
}

/**
 * A request that must not be sent twice died on a kept connection that the server had closed:
 * whether it was heard is not known.
 */
export class KeptConnectionLost extends MirrorflowError {
  constructor({ host, port, path }: ExchangeOptions, cause: unknown) {
    super(
      'SOURCE_UNREACHABLE',
      `${restUrl(host, port, path)} closed the connection that was kept`,
      { host, port, path },
      cause,
    );
  }
}

/**
 * `reuse.stale` becomes true when the request died on a kept connection before anything was
 * answered.
 */
function once(options: ExchangeOptions, signal: AbortSignal, reuse: { stale: boolean }): Promise<Exchanged> {
  const { host, port, path, agent } = options;
  return new Promise((resolve, reject) => {
    let answered = false;
    const headers = { accept: 'application/json' };
    const sent = nodeHttp().request({ host, port, path, agent, signal, headers });
    sent.on('response', (response) => {
      answered = true;
      collect(response, LIMITS.restBodyBytes).then(
        (body) => resolve({ httpStatus: response.statusCode ?? 0, body }),
        (error: unknown) => {
          sent.destroy();
          reject(error);
        },
      );
    });
    sent.on('error', (error) => {
      reuse.stale = sent.reusedSocket && !answered;
      reject(error);
    });
    sent.end();
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

function explain(options: ExchangeOptions, ended: boolean, error: unknown): MirrorflowError {
  const { host, port, path, timeoutMs } = options;
  const url = restUrl(host, port, path);
  const facts = { host, port, path };
  if (options.signals.some((signal) => signal.aborted))
    return new MirrorflowError('CLOSED', `${url} was given up`, facts, error);
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
      `${url} did not answer as a SpecTcl REST service: ${describeError(error)}`,
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

/** The request as a person would type it. */
export function restUrl(host: string, port: number, path: string): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`;
}
