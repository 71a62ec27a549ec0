/**
 * The traces of a simulated SpecTcl: changes of spectra and bindings, recorded for each client that
 * has established a trace, until the client fetches them or its retention time is over. Used by
 * simulator.ts (recording) and rest-service.ts. Pure.
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

/** Limits of traces and of changes per trace: the most that clients which never fetch can cost. */
const TRACES_MAX = 256;
const CHANGES_MAX = 10_000;

export class TraceLog {
  readonly #nowMs: () => number;
  readonly #traces = new Map<number, Trace>();
  #nextToken = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Returns the token of a new trace. The oldest trace ends when there are too many. */
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

  /** The changes since the last fetch; undefined for an unknown token. */
  fetch(token: number): Readonly<Record<TraceKind, string[]>> | undefined {
    const trace = this.#traces.get(token);
    if (trace === undefined) return undefined;
    const oldestMs = this.#nowMs() - trace.retentionMs;
    const fetched: Record<TraceKind, string[]> = { parameter: [], spectrum: [], gate: [], binding: [] };
    for (const { kind, text, atMs } of trace.changes) if (atMs >= oldestMs) fetched[kind].push(text);
    trace.changes = [];
    return fetched;
  }

  /** Ends a trace. False for an unknown token. */
  done(token: number): boolean {
    return this.#traces.delete(token);
  }
}
