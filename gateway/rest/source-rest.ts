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

/** Age limit of a cached list: changes at the source must show within a second. */
const CACHE_MS = 250;
const CACHE_ENTRIES_MAX = 64;
const CACHE_ENTRY_BYTES_MAX = 8 * 1024 * 1024;
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
  readonly #cache = new Map<string, { readonly answer: Promise<Answer>; atMs: number }>();
  readonly #envelopes = new WeakMap<Answer, Envelope>();
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
    const entry = { answer: this.fresh(path, { repeatable: true }), atMs: Infinity };
    this.#cache.delete(path);
    this.#cache.set(path, entry);
    const drop = (): void => {
      if (this.#cache.get(path) === entry) this.#cache.delete(path);
    };
    entry.answer.then(({ httpStatus, body }) => {
      entry.atMs = this.#clock.nowMs();
      if (httpStatus !== 200 || body.byteLength > CACHE_ENTRY_BYTES_MAX) drop();
    }, drop);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_ENTRIES_MAX) break;
      this.#cache.delete(oldest);
    }
    return entry.answer;
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

  isSuccess(answer: Answer): boolean {
    return answer.httpStatus === 200 && this.#envelope(answer).status === 'OK';
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
   * SpecTcl closes the connection. Throws SOURCE_UNREACHABLE, SOURCE_PROTOCOL, TIMED_OUT or
   * LIMIT_REACHED.
   */
  async fresh(path: string, { repeatable = false } = {}): Promise<Answer> {
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
    const envelope =
      this.#envelopes.get(answer) ?? (answer.httpStatus === 200 ? envelopeOf(answer.body) : {});
    this.#envelopes.set(answer, envelope);
    return envelope;
  }

  /** Drops cached answers, after a request that changes SpecTcl. */
  clearCache(): void {
    this.#cache.clear();
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
  try {
    const parsed: unknown = JSON.parse(decodeText(body));
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}
