/**
 * The traces of a gateway: what has changed in SpecTcl since a viewer asked last, by a token.
 *
 * SpecTcl's own tokens are small integers that begin again with each start, and a trace is emptied
 * by the program that fetches it. So viewers get tokens of the gateway, and one trace of SpecTcl
 * serves all. Changes of bindings are taken from the mirror's header instead: a viewer reads the
 * memory as soon as it learns of a binding, so the memory must have it. `local-requests.ts` and
 * `gateway.ts` call this. Pure but for the source that it is given.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { addressKey } from '../../protocol/rpc/security/peer-addresses.js';
import type { Binding } from '../../protocol/spectcl/display-memory.js';

export const TRACE_KINDS = ['parameter', 'spectrum', 'gate', 'binding'] as const;
export type TraceKind = (typeof TRACE_KINDS)[number];
export type Changes = Record<TraceKind, string[]>;

/** A trace of SpecTcl, which only the gateway fetches. */
export interface SourceTraces {
  readonly establish: (retentionS: number) => Promise<number>;
  /** The changes since the last fetch; rejects when the token is unknown. */
  readonly fetch: (token: number) => Promise<Partial<Record<TraceKind, readonly unknown[]>>>;
}

export interface TracesOptions {
  readonly source: SourceTraces;
  readonly clock: Clock;
  /** The bindings of the mirror now; undefined without a mirror. */
  readonly bindings: () => Promise<readonly Binding[] | undefined>;
  /** Whether the memories of the viewers of `host` have the header of this version. */
  readonly hasHeader: (host: string, headerVersion: number) => boolean;
  /** The first token; differs from those of earlier gateways. */
  readonly firstToken: number;
}

interface Change {
  readonly kind: TraceKind;
  readonly text: string;
  readonly atMs: number;
  readonly headerVersion: number;
}

interface Trace {
  readonly retentionMs: number;
  /** Host of the viewer, by `addressKey`. */
  readonly host: string;
  /** Number of the first change in the log that it has not got; of bindings one may be earlier. */
  next: number;
  nextBinding: number;
  /** Whether all bindings are sent as added: the trace continues one of an earlier gateway. */
  isNew: boolean;
  usedMs: number;
}

/** Retention of SpecTcl's trace, and of one that a viewer established at an earlier gateway. */
const RETENTION_S = 60;
const TRACES_MAX = 1_024;
const TRACES_PER_HOST_MAX = 64;
/** Changes that are kept for all traces: more than two complete sets of bindings, each replaced. */
const CHANGES_MAX = 40_000;
/** Limit of the length of the texts of kept changes, together. */
const CHANGES_CHARACTERS_MAX = 8 * 1024 * 1024;
const TEXT_CHARACTERS_MAX = 1_024;
/** SpecTcl is asked at most this often, and a viewer waits for it at most that long. */
const SOURCE_INTERVAL_MS = 100;
const SOURCE_WAIT_MS = 500;
/** A binding is given out after this time even if a mirror client of the viewer's host is late. */
const HELD_BACK_MS = 2_000;
/** The mirror is followed for the traces until this time after their last use. */
const ACTIVE_MS = 30_000;
const UNUSED_MS = 600_000;

export class Traces {
  readonly #options: TracesOptions;
  readonly #traces = new Map<number, Trace>();
  readonly #firstToken: number;
  /** Changes for all traces, the oldest first; `#logStart` is the number of the first one. */
  readonly #log: Change[] = [];
  #logStart = 0;
  #logCharacters = 0;
  #nextToken: number;
  #usedMs = -Infinity;
  /** The bindings of the newest publication, by slot and name; undefined before the first one. */
  #bindings: ReadonlyMap<string, Binding> | undefined;
  #sourceToken: number | undefined;
  #sourceRetentionS = RETENTION_S;
  #fetching: Promise<void> | undefined;
  #fetchedMs = -Infinity;

  constructor(options: TracesOptions) {
    this.#options = options;
    this.#firstToken = options.firstToken;
    this.#nextToken = options.firstToken;
  }

  /** Whether a viewer follows the traces, for which the mirror must be followed. */
  get active(): boolean {
    return this.#options.clock.nowMs() - this.#usedMs < ACTIVE_MS;
  }

  /** A new token for a viewer on `host`. */
  async establish(retentionS: number, host: string): Promise<number> {
    await this.#follow();
    if (retentionS > this.#sourceRetentionS) {
      this.#sourceRetentionS = retentionS;
      this.#sourceToken = undefined;
    }
    const token = this.#nextToken;
    this.#nextToken += 1;
    this.#add(token, retentionS, host);
    await this.#fetchSource();
    return token;
  }

  /**
   * The changes since the last fetch, for a viewer on `host`; undefined for a token that has ended.
   * A token of an earlier gateway is continued, with all bindings as added: which of them changed
   * in between is unknown.
   */
  async fetch(token: number, host: string): Promise<Changes | undefined> {
    await this.#follow();
    if (!this.#traces.has(token)) {
      const isOwn = token >= this.#firstToken && token < this.#nextToken;
      if (!Number.isSafeInteger(token) || token < 0 || isOwn) return undefined;
      this.#add(token, RETENTION_S, host).isNew = true;
    }
    await this.#fetchSource();
    const trace = this.#traces.get(token);
    if (trace === undefined) return undefined;
    this.#traces.delete(token);
    this.#traces.set(token, trace);
    return this.#take(trace, host);
  }

  /** False for an unknown token. */
  done(token: number): boolean {
    return this.#traces.delete(token);
  }

  /**
   * The viewers' memories on this host, and the mirror service, have a new header with these
   * bindings. Call it after they are up to date.
   */
  published(bindings: readonly Binding[], headerVersion: number): void {
    const before = this.#bindings ?? new Map<string, Binding>();
    const current = bySlotAndName(bindings);
    this.#bindings = current;
    for (const [id, binding] of before) {
      if (!isSame(current.get(id), binding)) this.#record(this.#change(headerVersion, 'remove', binding));
    }
    for (const [id, binding] of current) {
      if (!isSame(before.get(id), binding)) this.#record(this.#change(headerVersion, 'add', binding));
    }
  }

  /** Notes the use and, at the first one, what the mirror has. */
  async #follow(): Promise<void> {
    const { clock, bindings } = this.#options;
    const wasActive = this.active;
    this.#usedMs = clock.nowMs();
    if (wasActive && this.#bindings !== undefined) return;
    const current = await bindings();
    if (current === undefined) return;
    if (this.#bindings === undefined) this.#bindings = bySlotAndName(current);
    else this.published(current, 0);
  }

  #add(token: number, retentionS: number, viewer: string): Trace {
    const nowMs = this.#options.clock.nowMs();
    const host = addressKey(viewer);
    const ofHost: number[] = [];
    // The map is in the order of the last use.
    for (const [old, { usedMs, host: oldHost }] of this.#traces) {
      if (nowMs - usedMs > UNUSED_MS) this.#traces.delete(old);
      else if (oldHost === host) ofHost.push(old);
    }
    const [oldest] = ofHost.length >= TRACES_PER_HOST_MAX ? ofHost : this.#traces.keys();
    const isFull = ofHost.length >= TRACES_PER_HOST_MAX || this.#traces.size >= TRACES_MAX;
    if (isFull && oldest !== undefined) this.#traces.delete(oldest);
    const next = this.#logStart + this.#log.length;
    const retentionMs = retentionS * 1_000;
    const trace = { retentionMs, host, next, nextBinding: next, isNew: false, usedMs: nowMs };
    this.#traces.set(token, trace);
    return trace;
  }

  #take(trace: Trace, host: string): Changes {
    const { clock, hasHeader } = this.#options;
    const nowMs = clock.nowMs();
    trace.usedMs = nowMs;
    const changes: Changes = { parameter: [], spectrum: [], gate: [], binding: [] };
    if (trace.isNew) {
      trace.isNew = false;
      for (const binding of this.#bindings?.values() ?? [])
        changes.binding.push(this.#change(0, 'add', binding).text);
    }
    const end = this.#logStart + this.#log.length;
    const retainedMs = Math.max(trace.retentionMs, HELD_BACK_MS);
    let heldFrom = end;
    for (let at = Math.max(this.#logStart, trace.nextBinding); at < end; at += 1) {
      const change = this.#log[at - this.#logStart];
      if (change === undefined) break;
      const { kind, text, atMs, headerVersion } = change;
      if (kind !== 'binding') {
        if (at >= trace.next && nowMs - atMs <= retainedMs) changes[kind].push(text);
        continue;
      }
      // A later binding does not overtake an earlier one.
      if (heldFrom < end) continue;
      const isEarly = headerVersion > 0 && nowMs - atMs < HELD_BACK_MS && !hasHeader(host, headerVersion);
      if (isEarly) heldFrom = at;
      else if (nowMs - atMs <= retainedMs) changes.binding.push(text);
    }
    trace.next = end;
    trace.nextBinding = heldFrom;
    return changes;
  }

  /** Fetches SpecTcl's trace for all, unless it was fetched just now. Never rejects. */
  async #fetchSource(): Promise<void> {
    const { clock } = this.#options;
    if (this.#fetching === undefined && clock.nowMs() - this.#fetchedMs >= SOURCE_INTERVAL_MS) {
      this.#fetching = this.#exchange().finally(() => {
        this.#fetching = undefined;
        this.#fetchedMs = clock.nowMs();
      });
    }
    if (this.#fetching === undefined) return;
    let cancel: (() => void) | undefined;
    const late = new Promise<void>((resolve) => (cancel = clock.after(SOURCE_WAIT_MS, resolve)));
    await Promise.race([this.#fetching, late]);
    cancel?.();
  }

  async #exchange(): Promise<void> {
    const { source } = this.#options;
    try {
      if (this.#sourceToken === undefined) {
        this.#sourceToken = await source.establish(this.#sourceRetentionS);
        return;
      }
      const changes = await source.fetch(this.#sourceToken);
      const atMs = this.#options.clock.nowMs();
      for (const kind of ['parameter', 'spectrum', 'gate'] as const) {
        for (const text of (changes[kind] ?? []).slice(0, CHANGES_MAX)) {
          if (typeof text !== 'string') continue;
          this.#record({ kind, text: text.slice(0, TEXT_CHARACTERS_MAX), atMs, headerVersion: 0 });
        }
      }
    } catch {
      // SpecTcl is unreachable or was started again: its tokens have ended.
      this.#sourceToken = undefined;
    }
  }

  #change(headerVersion: number, operation: 'add' | 'remove', { name, slot }: Binding): Change {
    const text = `${operation} ${tclWord(name)} ${slot}`;
    return { kind: 'binding', text, atMs: this.#options.clock.nowMs(), headerVersion };
  }

  #record(change: Change): void {
    if (this.#traces.size === 0) return;
    this.#log.push(change);
    this.#logCharacters += change.text.length;
    // A quarter at once: removing each change on its own would move all others every time.
    if (this.#log.length <= CHANGES_MAX && this.#logCharacters <= CHANGES_CHARACTERS_MAX) return;
    const removed = this.#log.splice(0, Math.ceil(this.#log.length / 4));
    this.#logStart += removed.length;
    for (const { text } of removed) this.#logCharacters -= text.length;
  }
}

function bySlotAndName(bindings: readonly Binding[]): ReadonlyMap<string, Binding> {
  return new Map(bindings.map((binding) => [`${binding.slot} ${binding.name}`, binding]));
}

/** Whether a viewer can keep what it has of the binding: place, size and axes are the same. */
function isSame(one: Binding | undefined, other: Binding): boolean {
  if (one === undefined) return false;
  const members = ['type', 'xchans', 'ychans', 'byteOffset', 'xmin', 'xmax', 'ymin', 'ymax'] as const;
  return members.every((member) => Object.is(one[member], other[member]));
}

/** Braces a name with white space, as a Tcl list does. */
function tclWord(name: string): string {
  return /\s/.test(name) ? `{${name}}` : name;
}
