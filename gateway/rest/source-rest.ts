/**
 * A client of the real SpecTcl's REST service, with a cache for lists.
 *
 * `rest-service.ts` and `local-requests.ts` forward requests through it. Equal requests for a list
 * within 250 ms share one answer, so that many viewers cost SpecTcl as much as one. Opens TCP
 * connections to SpecTcl.
 */
import { Agent } from 'node:http';
import type { AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { exchange } from '../../protocol/spectcl/rest-exchange.js';
import { decodeText } from '../../protocol/spectcl/text.js';
import type { Answer } from './answer.js';

const MEBIBYTE = 1024 * 1024;
/** Age limit of a cached list: changes at the source must show within a second. */
const CACHE_MS = 250;
const CACHE_ENTRIES_MAX = 64;
const CACHE_BYTES_MAX = 32 * MEBIBYTE;
/**
 * Longest list: that of 10,000 spectra, with names and parameters of 127 characters, has 8 MiB.
 * Parsed it takes some ten times its size.
 */
const LIST_BYTES_MAX = 16 * MEBIBYTE;
/** Lists and objects in one answer, some eight per spectrum: parsing more takes seconds. */
const CONTAINERS_MAX = 500_000;
/** How SpecTcl and Rustogramer begin the answer to a successful request. */
const SUCCESS = /^\s*\{\s*"status"\s*:\s*"OK"\s*[,}]/;
const BEGINNING_BYTES = 64;
/** Sizes of the answers whose parsed form is kept. */
const PARSED_BYTES_MAX = 16 * MEBIBYTE;
const [OPENING_BRACKET, OPENING_BRACE] = [0x5b, 0x7b];
/** Connections to SpecTcl, which answers one request after another. */
const CONNECTIONS_MAX = 4;
/** Limit of requests that wait for SpecTcl; further ones are refused at once. */
const QUEUED_REQUESTS_MAX = 1_024;
const DEFAULT_TIMEOUT_MS = 10_000;

interface Envelope {
  readonly status?: unknown;
  readonly detail?: unknown;
}

export class SourceRest {
  readonly #address: AddressOf<'spectcl'> | undefined;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });
  readonly #closing = new AbortController();
  /** Recent and pending answers by path. */
  readonly #cache = new Map<string, { readonly answer: Promise<Answer>; atMs: number; bytes: number }>();
  #cacheBytes = 0;
  /** Parsed answers, the one that was used longest ago first. */
  readonly #envelopes = new Map<Answer, Envelope>();
  #parsedBytes = 0;
  #port: Promise<number> | undefined;
  #queued = 0;
  #unreachableSince: Date | undefined;

  /**
   * `address` is undefined when this host's mirror comes from another host: then every request is
   * refused. `timeoutMs` is the total time of one request.
   */
  constructor(
    address: AddressOf<'spectcl'> | undefined,
    clock: Clock,
    timeoutMs: number = DEFAULT_TIMEOUT_MS,
  ) {
    this.#address = address;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The answer to a request for a list, at most 250 ms old. `path` begins with `/spectcl/`. Rejects
   * with the errors of `fresh`.
   */
  cached(path: string): Promise<Answer> {
    const nowMs = this.#clock.nowMs();
    const cached = this.#cache.get(path);
    if (cached !== undefined && nowMs - cached.atMs < CACHE_MS) return cached.answer;
    const answer = this.fresh(path, { repeatable: true, bodyBytesMax: LIST_BYTES_MAX });
    const entry = { answer, atMs: Infinity, bytes: 0 };
    this.#drop(path);
    this.#cache.set(path, entry);
    answer.then(
      ({ httpStatus, body }) => {
        if (this.#cache.get(path) !== entry) return;
        entry.atMs = this.#clock.nowMs();
        entry.bytes = body.byteLength;
        this.#cacheBytes += entry.bytes;
        if (httpStatus !== 200) this.#drop(path);
        this.#keepWithinLimits();
      },
      () => {
        if (this.#cache.get(path) === entry) this.#drop(path);
      },
    );
    this.#keepWithinLimits();
    return entry.answer;
  }

  #drop(path: string): void {
    this.#cacheBytes -= this.#cache.get(path)?.bytes ?? 0;
    this.#cache.delete(path);
  }

  #keepWithinLimits(): void {
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_ENTRIES_MAX && this.#cacheBytes <= CACHE_BYTES_MAX) return;
      this.#drop(oldest);
    }
  }

  /**
   * The detail of a list. Throws SOURCE_REFUSED with SpecTcl's status, SOURCE_PROTOCOL when the
   * answer has no envelope, and the errors of `fresh`.
   */
  async detail(path: string): Promise<unknown> {
    return this.detailOf(path, await this.cached(path));
  }

  /** The detail of an answer to `path`; see `detail`. */
  detailOf(path: string, answer: Answer): unknown {
    const { httpStatus } = answer;
    const { status, detail } = this.#envelope(answer);
    if (status === 'OK') return detail;
    if (typeof status === 'string') {
      throw new MirrorflowError('SOURCE_REFUSED', `SpecTcl refused ${path}: ${status.slice(0, 500)}`, {
        status: status.slice(0, 500),
      });
    }
    throw new MirrorflowError(
      'SOURCE_PROTOCOL',
      `${path} was not answered as SpecTcl does (HTTP ${httpStatus})`,
    );
  }

  /** Does not parse an answer whose beginning tells. */
  isSuccess(answer: Answer): boolean {
    if (answer.httpStatus !== 200) return false;
    const beginning = decodeText(answer.body.subarray(0, BEGINNING_BYTES));
    return SUCCESS.test(beginning) || this.#envelope(answer).status === 'OK';
  }

  /** When SpecTcl stopped answering; undefined while it answers. */
  get unreachableSince(): Date | undefined {
    return this.#unreachableSince;
  }

  /** A request has been waiting for `waitedMs`. */
  reportHang(waitedMs: number): void {
    this.#unreachableSince ??= new Date(Date.now() - waitedMs);
  }

  /**
   * Forwards a request and returns the answer unchanged. `repeatable`: it may be sent twice, when
   * SpecTcl closes the connection. `bodyBytesMax`: a longer answer is refused. Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL, TIMED_OUT or
   * LIMIT_REACHED.
   */
  async fresh(
    path: string,
    { repeatable = false, bodyBytesMax }: { repeatable?: boolean; bodyBytesMax?: number } = {},
  ): Promise<Answer> {
    const address = this.#address;
    if (address === undefined) {
      throw new MirrorflowError(
        'SOURCE_UNREACHABLE',
        `${path}: the mirror of this host comes from another host; ask the gateway there`,
      );
    }
    if (this.#queued >= QUEUED_REQUESTS_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${QUEUED_REQUESTS_MAX} requests wait for SpecTcl already; try again later`,
      );
    }
    this.#queued += 1;
    try {
      const { host } = address;
      const answer = await exchange({
        host,
        port: await this.#portOf(address),
        path,
        agent: this.#agent,
        timeoutMs: this.#timeoutMs,
        clock: this.#clock,
        signals: [this.#closing.signal],
        repeatable,
        bodyBytesMax,
      });
      this.#unreachableSince = undefined;
      return answer;
    } catch (error) {
      if (!isMirrorflowError(error, 'CLOSED')) this.#unreachableSince ??= new Date();
      // A service name may have another port by now.
      this.#port = undefined;
      throw error;
    } finally {
      this.#queued -= 1;
    }
  }

  #envelope(answer: Answer): Envelope {
    const { httpStatus, body } = answer;
    if (httpStatus !== 200) return {};
    const kept = this.#envelopes.get(answer);
    if (kept !== undefined) {
      this.#envelopes.delete(answer);
      this.#envelopes.set(answer, kept);
      return kept;
    }
    const envelope = envelopeOf(body);
    this.#envelopes.set(answer, envelope);
    this.#parsedBytes += body.byteLength;
    for (const oldest of this.#envelopes.keys()) {
      if (this.#parsedBytes <= PARSED_BYTES_MAX || oldest === answer) break;
      this.#envelopes.delete(oldest);
      this.#parsedBytes -= oldest.body.byteLength;
    }
    return envelope;
  }

  /** Drops cached answers, after a request that changes SpecTcl. */
  clearCache(): void {
    this.#cache.clear();
    this.#cacheBytes = 0;
  }

  close(): void {
    this.#closing.abort();
    this.#agent.destroy();
  }

  #portOf({ host, rest, user }: AddressOf<'spectcl'>): Promise<number> {
    if (typeof rest === 'number') return Promise.resolve(rest);
    this.#port ??= lookUpService(host, rest, user, { signal: this.#closing.signal });
    return this.#port;
  }
}

function envelopeOf(body: Uint8Array): Envelope {
  if (!isParsable(body)) return {};
  try {
    const parsed: unknown = JSON.parse(decodeText(body));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** False for an answer with too many lists and objects. */
function isParsable(body: Uint8Array): boolean {
  if (body.byteLength <= CONTAINERS_MAX) return true;
  let containers = 0;
  for (const byte of body) {
    if (byte === OPENING_BRACKET || byte === OPENING_BRACE) containers += 1;
  }
  return containers <= CONTAINERS_MAX;
}
