/**
 * Client of SpecTcl's REST service (`http://host:port/spectcl/…`, GET only), which Rustogramer, a
 * SpecTcl-compatible histogrammer, provides as well. Used by duplicators that mirror a SpecTcl, and
 * by the gateway. Opens HTTP connections.
 *
 * Every method rejects with a MirrorflowError: SOURCE_UNREACHABLE (no answer: connection refused,
 * unknown host, deadline, connection lost), SOURCE_PROTOCOL (not the answer of such a service),
 * SOURCE_REFUSED (the service reports an error; its text is in the message and in `facts.status`)
 * or CLOSED (aborted by the signal or by `close`).
 */
import type { Agent } from 'node:http';
import { systemClock, type Clock } from '../base/clock.js';
import { MirrorflowError } from '../base/errors.js';
import { printableText } from '../base/printable.js';
import { nodeHttp } from '../base/lazy-modules.js';
import { type Exchanged, exchange, restUrl } from './rest-exchange.js';
import {
  type SpecTclApplication,
  type SpecTclBinding,
  type SpecTclGate,
  type SpecTclMirror,
  type SpecTclSpectrum,
  type SpecTclStatistics,
  type SpecTclTraces,
  type SpecTclVersion,
  ShapeMismatch,
  object,
  readApplications,
  readBindings,
  readGates,
  readInteger,
  readMirrors,
  readSpectra,
  readStatistics,
  readStorageBytes,
  readText,
  readTraces,
  readVariables,
  readVersion,
} from './rest-shapes.js';
import { decodeText } from './text.js';

export { KeptConnectionLost } from './rest-exchange.js';
export type {
  SpecTclApplication,
  SpecTclBinding,
  SpecTclGate,
  SpecTclMirror,
  SpecTclSpectrum,
  SpecTclStatistics,
  SpecTclTraces,
  SpecTclVersion,
} from './rest-shapes.js';

export interface RestAddress {
  readonly host: string;
  readonly port: number;
}

export interface RestOptions {
  /** Total time of one request, from the name lookup to the last byte. Default 5,000. */
  readonly timeoutMs?: number;
  /**
   * An agent to share, which the caller owns. Default: an own agent that keeps connections open
   * until `close`.
   */
  readonly agent?: Agent;
  /** Measures the deadlines. Default: the system's clock. */
  readonly clock?: Clock;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** Characters of an invalid answer that an error quotes. */
const QUOTED_CHARACTERS = 60;
/** Longest text of a refusal that a message quotes. */
const REFUSAL_CHARACTERS = 500;
/** Connections of one client at the same time; SpecTcl handles one request after the other. */
const CONNECTIONS_MAX = 4;

interface Request {
  readonly query?: Readonly<Record<string, string | number>> | readonly (readonly [string, string])[];
  readonly signal?: AbortSignal | undefined;
  /** False for a request that must not be sent twice. Default true. */
  readonly repeatable?: boolean;
}

export class SpecTclRest {
  readonly address: RestAddress;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #agent: Agent;
  readonly #ownsAgent: boolean;
  readonly #closed = new AbortController();

  constructor(address: RestAddress, options: RestOptions = {}) {
    this.address = address;
    this.#timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#clock = options.clock ?? systemClock;
    this.#ownsAgent = options.agent === undefined;
    this.#agent = options.agent ?? new (nodeHttp().Agent)({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  }

  version(signal?: AbortSignal): Promise<SpecTclVersion> {
    return this.#request('version', readVersion, { signal });
  }

  /** Key of SpecTcl's own display memory: "XA7c", "sysv:XA7c", "posix:/name" or "file:/path". */
  shmemKey(signal?: AbortSignal): Promise<string> {
    return this.#request('shmem/key', readText, { signal });
  }

  /** Bytes of channel storage, without the header; SpecTcl and Rustogramer agree in that. */
  shmemSize(signal?: AbortSignal): Promise<number> {
    return this.#request('shmem/size', readStorageBytes, { signal });
  }

  /** SpecTcl's variables by name: RunState, RunTitle, …; Rustogramer has "-undefined-" for some. */
  variables(signal?: AbortSignal): Promise<Record<string, string>> {
    return this.#request('shmem/variables', readVariables, { signal });
  }

  /**
   * The mirror directory: registered mirror clients. SpecTcl removes too many entries, so a missing
   * entry does not mean that the mirror has closed.
   */
  mirrors(signal?: AbortSignal): Promise<SpecTclMirror[]> {
    return this.#request('mirror', readMirrors, { signal });
  }

  /** Spectra whose name matches the glob pattern; all by default. */
  spectra(filter?: string, signal?: AbortSignal): Promise<SpecTclSpectrum[]> {
    return this.#request('spectrum/list', readSpectra, { query: { filter: filter ?? '*' }, signal });
  }

  bindings(pattern?: string, signal?: AbortSignal): Promise<SpecTclBinding[]> {
    return this.#request('sbind/list', readBindings, { query: { pattern: pattern ?? '*' }, signal });
  }

  statistics(pattern?: string, signal?: AbortSignal): Promise<SpecTclStatistics[]> {
    return this.#request('specstats', readStatistics, { query: { pattern: pattern ?? '*' }, signal });
  }

  gates(pattern?: string, signal?: AbortSignal): Promise<SpecTclGate[]> {
    return this.#request('gate/list', readGates, { query: { pattern: pattern ?? '*' }, signal });
  }

  /** The gate of each spectrum that has one. */
  applications(pattern?: string, signal?: AbortSignal): Promise<SpecTclApplication[]> {
    return this.#request('apply/list', readApplications, { query: { pattern: pattern ?? '*' }, signal });
  }

  /**
   * Starts to record changes, which are kept for `retentionS` seconds. `traceDone` releases the
   * token.
   */
  traceEstablish(retentionS: number, signal?: AbortSignal): Promise<number> {
    return this.#request('trace/establish', readInteger, { query: { retention: retentionS }, signal });
  }

  /**
   * The changes since the last fetch. Never sent twice, since the server drops the changes that it
   * has answered: throws KeptConnectionLost where another request would be repeated.
   */
  traceFetch(token: number, signal?: AbortSignal): Promise<SpecTclTraces> {
    return this.#request('trace/fetch', readTraces, { query: { token }, signal, repeatable: false });
  }

  traceDone(token: number, signal?: AbortSignal): Promise<void> {
    return this.#request('trace/done', noDetail, { query: { token }, signal });
  }

  /** Clears the channels of the spectra whose names match the glob pattern; of all by default. */
  zero(pattern?: string, signal?: AbortSignal): Promise<void> {
    return this.#request('spectrum/zero', noDetail, { query: { pattern: pattern ?? '*' }, signal });
  }

  /**
   * Sends a request that changes SpecTcl, once. `query` may repeat a name. A refusal has SpecTcl's
   * words in `facts.status` and, where it explains them, `facts.detail`.
   */
  change(
    request: string,
    query: readonly (readonly [name: string, value: string])[],
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#request(request, noDetail, { query, signal, repeatable: false });
  }

  /** Aborts running requests (CLOSED) and closes the connections. Idempotent. */
  close(): void {
    this.#closed.abort();
    if (this.#ownsAgent) this.#agent.destroy();
  }

  async #request<T>(name: string, read: (detail: unknown) => T, request: Request): Promise<T> {
    const path = `/spectcl/${name}${queryText(request.query ?? {})}`;
    const repeatable = request.repeatable ?? true;
    const exchanged = await exchange({
      ...this.address,
      path,
      agent: this.#agent,
      repeatable,
      timeoutMs: this.#timeoutMs,
      clock: this.#clock,
      signals: request.signal === undefined ? [this.#closed.signal] : [this.#closed.signal, request.signal],
    });
    return this.#read(path, exchanged, read);
  }

  #read<T>(path: string, { httpStatus, body }: Exchanged, read: (detail: unknown) => T): T {
    const answer = decodeText(body);
    if (httpStatus !== 200) throw this.#unexpected(path, `HTTP status ${httpStatus}`, answer);
    try {
      const envelope = object(parse(answer), 'the answer');
      const status = envelope['status'];
      if (typeof status !== 'string') throw new ShapeMismatch('status', 'a text');
      if (status !== 'OK') throw this.#refused(path, status, envelope['detail']);
      return read(envelope['detail']);
    } catch (error) {
      if (error instanceof ShapeMismatch) throw this.#unexpected(path, error.message, answer, error);
      throw error;
    }
  }

  /** SpecTcl names the kind of an error in the status, and explains it in the detail. */
  #refused(path: string, answer: string, explanation: unknown): MirrorflowError {
    const { host, port } = this.address;
    const status = printableText(answer.slice(0, REFUSAL_CHARACTERS));
    const facts = { host, port, path, status };
    const message = `SpecTcl at ${host}:${port} refused ${path}: ${status}`;
    if (typeof explanation !== 'string' || explanation === '')
      return new MirrorflowError('SOURCE_REFUSED', message, facts);
    const detail = printableText(explanation.slice(0, REFUSAL_CHARACTERS));
    return new MirrorflowError('SOURCE_REFUSED', `${message}: ${detail}`, { ...facts, detail });
  }

  #unexpected(path: string, reason: string, answer: string, cause?: unknown): MirrorflowError {
    const { host, port } = this.address;
    const found = printableText(answer.slice(0, QUOTED_CHARACTERS));
    const quoted = JSON.stringify(found);
    return new MirrorflowError(
      'SOURCE_PROTOCOL',
      `${restUrl(host, port, path)} did not answer as a SpecTcl REST service (${reason}); the answer begins with ${quoted}`,
      { host, port, path, found },
      cause,
    );
  }
}

function noDetail(): void {
  // The status is the whole answer.
}

function parse(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    throw new ShapeMismatch('the answer', 'JSON');
  }
}

function queryText(query: NonNullable<Request['query']>): string {
  const pairs = Array.isArray(query) ? query : Object.entries(query);
  const parts = pairs.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
