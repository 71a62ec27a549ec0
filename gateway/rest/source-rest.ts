/**
 * The REST service of the real SpecTcl: requests passed on to it, one at a time where many ask the
 * same, and lists that may be a moment old asked once for all who ask in that moment.
 */
import { Agent } from 'node:http';
import type { AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { exchange } from '../../protocol/spectcl/rest-exchange.js';
import { decodeText } from '../../protocol/spectcl/text.js';
import type { Answer } from './answer.js';

/** How old a cached list may be: changes at the source shall be seen within a second. */
const CACHE_MS = 250;
const CACHE_ENTRIES_MAX = 64;
const CACHE_ENTRY_BYTES_MAX = 8 * 1024 * 1024;
/** SpecTcl answers one request after the other anyway. */
const CONNECTIONS_MAX = 4;
/** Requests that may wait for SpecTcl at a time; more are refused at once. */
const WAITING_MAX = 1_024;
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
  /** Answers that came a moment ago, and those that are awaited, by path. */
  readonly #cache = new Map<string, { readonly answer: Promise<Answer>; atMs: number }>();
  readonly #read = new WeakMap<Answer, Envelope>();
  #port: Promise<number> | undefined;
  #waiting = 0;

  /**
   * `timeoutMs`: total time of one request. Without an address there is no SpecTcl that this host
   * may ask: its mirror comes from another host.
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
   * The answer to a list, at most a moment old. `path` begins with `/spectcl/`. Throws
   * SOURCE_UNREACHABLE and such.
   */
  cached(path: string): Promise<Answer> {
    const nowMs = this.#clock.nowMs();
    const known = this.#cache.get(path);
    if (known !== undefined && nowMs - known.atMs < CACHE_MS) return known.answer;
    const entry = { answer: this.fresh(path), atMs: Infinity };
    this.#cache.delete(path);
    this.#cache.set(path, entry);
    const forget = (): void => {
      if (this.#cache.get(path) === entry) this.#cache.delete(path);
    };
    entry.answer.then(({ httpStatus, body }) => {
      entry.atMs = this.#clock.nowMs();
      if (httpStatus !== 200 || body.byteLength > CACHE_ENTRY_BYTES_MAX) forget();
    }, forget);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= CACHE_ENTRIES_MAX) break;
      this.#cache.delete(oldest);
    }
    return entry.answer;
  }

  /**
   * The detail of a list, checked to be an answer of such a service. Throws SOURCE_REFUSED with
   * SpecTcl's own status, too.
   */
  async detail(path: string): Promise<unknown> {
    const answer = await this.cached(path);
    const { httpStatus, body } = answer;
    const envelope = this.#read.get(answer) ?? (httpStatus === 200 ? envelopeOf(body) : {});
    this.#read.set(answer, envelope);
    const { status, detail } = envelope;
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

  /**
   * Passes a request on and gives the answer as it came. Throws SOURCE_UNREACHABLE,
   * SOURCE_PROTOCOL, TIMED_OUT or LIMIT_REACHED.
   */
  async fresh(path: string): Promise<Answer> {
    const address = this.#address;
    if (address === undefined) {
      throw new MirrorflowError(
        'SOURCE_UNREACHABLE',
        `${path}: this host has its mirror from another host and does not ask SpecTcl itself; ask the gateway there`,
      );
    }
    if (this.#waiting >= WAITING_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${WAITING_MAX} requests wait for SpecTcl already; try again`,
      );
    }
    this.#waiting += 1;
    try {
      const { host } = address;
      return await exchange({
        host,
        port: await this.#portOf(address),
        path,
        agent: this.#agent,
        timeoutMs: this.#timeoutMs,
        clock: this.#clock,
        signals: [this.#closing.signal],
        repeatable: false,
      });
    } catch (error) {
      this.#port = undefined; // a name may lead elsewhere by now
      throw error;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** SpecTcl was changed: what is known of it is old. */
  forget(): void {
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
    const found: unknown = JSON.parse(decodeText(body));
    return typeof found === 'object' && found !== null ? found : {};
  } catch {
    return {};
  }
}
