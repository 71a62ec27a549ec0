/**
 * Client of SpecTcl's REST service (`http://host:port/spectcl/…`, GET only), which Rustogramer
 * speaks as well.
 *
 * Every method rejects with a MirrorflowError: SOURCE_UNREACHABLE (no answer: refused, no such
 * host, deadline, cut), SOURCE_PROTOCOL (an answer, but not that of such a service), SOURCE_REFUSED
 * (the service's own status is an error; its text is in the message and in `facts.status`) or
 * CLOSED (given up by the signal or by `close`).
 */
import type { Agent } from 'node:http';
import { systemClock, type Clock } from '../base/clock.js';
import { MirrorflowError } from '../base/errors.js';
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
   * An agent to share; it stays its owner's. Default: one of its own that keeps connections and
   * ends with `close`.
   */
  readonly agent?: Agent;
  /** Runs the deadlines; the system's unless given. */
  readonly clock?: Clock;
}

const DEFAULT_TIMEOUT_MS = 5_000;
/** Characters of a wrong answer that an error shows. */
const SHOWN_CHARACTERS = 60;
/** Connections of one client at a time; SpecTcl answers one request after the other anyway. */
const CONNECTIONS_MAX = 4;

interface Asked {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly signal?: AbortSignal | undefined;
  /** False for a request that must not be sent twice. */
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
    return this.#ask('version', readVersion, { signal });
  }

  /** Key of the source's own memory: "XA7c", "sysv:XA7c", "posix:/name" or "file:/path". */
  shmemKey(signal?: AbortSignal): Promise<string> {
    return this.#ask('shmem/key', readText, { signal });
  }

  /**
   * Bytes of channel storage, without the header: what SpecTcl and the code of Rustogramer both
   * answer.
   */
  shmemSize(signal?: AbortSignal): Promise<number> {
    return this.#ask('shmem/size', readStorageBytes, { signal });
  }

  /**
   * SpecTcl's variables by name: RunState, RunTitle, …; "-undefined-" where Rustogramer has none.
   */
  variables(signal?: AbortSignal): Promise<Record<string, string>> {
    return this.#ask('shmem/variables', readVariables, { signal });
  }

  /**
   * The mirror directory. An empty one does not mean that a mirror has gone: SpecTcl removes too
   * much.
   */
  mirrors(signal?: AbortSignal): Promise<SpecTclMirror[]> {
    return this.#ask('mirror', readMirrors, { signal });
  }

  /** Spectra whose name matches the glob pattern; all by default. */
  spectra(filter?: string, signal?: AbortSignal): Promise<SpecTclSpectrum[]> {
    return this.#ask('spectrum/list', readSpectra, { query: { filter: filter ?? '*' }, signal });
  }

  bindings(pattern?: string, signal?: AbortSignal): Promise<SpecTclBinding[]> {
    return this.#ask('sbind/list', readBindings, { query: { pattern: pattern ?? '*' }, signal });
  }

  statistics(pattern?: string, signal?: AbortSignal): Promise<SpecTclStatistics[]> {
    return this.#ask('specstats', readStatistics, { query: { pattern: pattern ?? '*' }, signal });
  }

  gates(pattern?: string, signal?: AbortSignal): Promise<SpecTclGate[]> {
    return this.#ask('gate/list', readGates, { query: { pattern: pattern ?? '*' }, signal });
  }

  /** Which gate each spectrum carries; spectra without a gate are left out. */
  applications(pattern?: string, signal?: AbortSignal): Promise<SpecTclApplication[]> {
    return this.#ask('apply/list', readApplications, { query: { pattern: pattern ?? '*' }, signal });
  }

  /**
   * Starts to record changes, kept for `retentionS` seconds. The token is released by `traceDone`.
   */
  traceEstablish(retentionS: number, signal?: AbortSignal): Promise<number> {
    return this.#ask('trace/establish', readInteger, { query: { retention: retentionS }, signal });
  }

  /**
   * The changes since the last fetch. Never sent twice, since the server forgets what it has
   * answered; throws KeptConnectionLost where another request would have been.
   */
  traceFetch(token: number, signal?: AbortSignal): Promise<SpecTclTraces> {
    return this.#ask('trace/fetch', readTraces, { query: { token }, signal, repeatable: false });
  }

  traceDone(token: number, signal?: AbortSignal): Promise<void> {
    return this.#ask('trace/done', nothing, { query: { token }, signal });
  }

  /** Clears the channels of the spectra whose name matches; of all by default. */
  zero(pattern?: string, signal?: AbortSignal): Promise<void> {
    return this.#ask('spectrum/zero', nothing, { query: { pattern: pattern ?? '*' }, signal });
  }

  /** Gives up what is under way (CLOSED) and ends the connections. Idempotent. */
  close(): void {
    this.#closed.abort();
    if (this.#ownsAgent) this.#agent.destroy();
  }

  async #ask<T>(what: string, read: (detail: unknown) => T, asked: Asked): Promise<T> {
    const path = `/spectcl/${what}${queryText(asked.query ?? {})}`;
    const repeatable = asked.repeatable ?? true;
    const exchanged = await exchange({
      ...this.address,
      path,
      agent: this.#agent,
      repeatable,
      timeoutMs: this.#timeoutMs,
      clock: this.#clock,
      signals: asked.signal === undefined ? [this.#closed.signal] : [this.#closed.signal, asked.signal],
    });
    return this.#judge(path, exchanged, read);
  }

  #judge<T>(path: string, { httpStatus, body }: Exchanged, read: (detail: unknown) => T): T {
    const found = decodeText(body);
    if (httpStatus !== 200) throw this.#unexpected(path, `HTTP status ${httpStatus}`, found);
    try {
      const envelope = object(parse(found), 'the answer');
      const status = envelope['status'];
      if (typeof status !== 'string') throw new ShapeMismatch('status', 'a text');
      if (status !== 'OK') throw this.#refused(path, status);
      return read(envelope['detail']);
    } catch (error) {
      if (error instanceof ShapeMismatch) throw this.#unexpected(path, error.message, found, error);
      throw error;
    }
  }

  #refused(path: string, status: string): MirrorflowError {
    const { host, port } = this.address;
    return new MirrorflowError(
      'SOURCE_REFUSED',
      `SpecTcl at ${host}:${port} refused ${path}: ${status.slice(0, 500)}`,
      { host, port, path, status: status.slice(0, 500) },
    );
  }

  #unexpected(path: string, reason: string, found: string, cause?: unknown): MirrorflowError {
    const { host, port } = this.address;
    const shown = JSON.stringify(found.slice(0, SHOWN_CHARACTERS));
    return new MirrorflowError(
      'SOURCE_PROTOCOL',
      `${restUrl(host, port, path)} did not answer as a SpecTcl REST service (${reason}); the answer begins ${shown}`,
      { host, port, path, found: found.slice(0, SHOWN_CHARACTERS) },
      cause,
    );
  }
}

function nothing(): void {
  // The status was the answer.
}

function parse(found: string): unknown {
  try {
    return JSON.parse(found);
  } catch {
    throw new ShapeMismatch('the answer', 'JSON');
  }
}

function queryText(query: Readonly<Record<string, string | number | undefined>>): string {
  const parts = Object.entries(query)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
