/**
 * What `trace/fetch` answers: the changes since the last fetch, kept for as long as the client
 * asked for.
 */
export type TraceKind = 'parameter' | 'spectrum' | 'gate' | 'binding';

interface Change {
  readonly kind: TraceKind;
  readonly text: string;
  readonly atMs: number;
}

interface Trace {
  readonly retentionMs: number;
  changes: Change[];
}

/** Traces at a time, and changes kept for each: a client that never fetches costs no more. */
const TRACES_MAX = 256;
const CHANGES_MAX = 10_000;

export class TraceBook {
  readonly #nowMs: () => number;
  readonly #traces = new Map<number, Trace>();
  #nextToken = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  establish(retentionS: number): number {
    const token = this.#nextToken++;
    this.#traces.set(token, { retentionMs: retentionS * 1000, changes: [] });
    const oldest = this.#traces.keys().next();
    if (this.#traces.size > TRACES_MAX && oldest.done !== true) this.#traces.delete(oldest.value);
    return token;
  }

  record(kind: TraceKind, text: string): void {
    const atMs = this.#nowMs();
    for (const trace of this.#traces.values()) {
      trace.changes.push({ kind, text, atMs });
      if (trace.changes.length > CHANGES_MAX) trace.changes.shift();
    }
  }

  /** Undefined when there is no such token. */
  fetch(token: number): Readonly<Record<TraceKind, string[]>> | undefined {
    const trace = this.#traces.get(token);
    if (trace === undefined) return undefined;
    const oldest = this.#nowMs() - trace.retentionMs;
    const found: Record<TraceKind, string[]> = { parameter: [], spectrum: [], gate: [], binding: [] };
    for (const { kind, text, atMs } of trace.changes) if (atMs >= oldest) found[kind].push(text);
    trace.changes = [];
    return found;
  }

  done(token: number): boolean {
    return this.#traces.delete(token);
  }
}
