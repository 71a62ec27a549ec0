/**
 * Whether the run of a SpecTcl source is active, as its REST service reports it. `AppTrends` asks
 * it while an alarm needs it. Opens HTTP connections; asks every five seconds.
 */
import type { Logger } from '../../../protocol/base/log.js';
import type { SpecTclRest } from '../../../protocol/spectcl/rest-client.js';
import { connectSpecTclRest } from '../../../protocol/spectcl/rest-connection.js';

/** Time between two requests. */
const REQUEST_INTERVAL_MS = 5_000;
/** Longest wait for an answer. */
const TIMEOUT_MS = 3_000;
/** Age up to which an answer counts. */
const VALID_MS = 15_000;

export class RunWatch {
  readonly #log: Logger;
  #rest: SpecTclRest | undefined;
  #source: string | undefined;
  #asking = false;
  /** Grows with each `close`: an answer to an earlier question is dropped. */
  #generation = 0;
  #askedMs = -Infinity;
  #answer: { readonly active: boolean; readonly atMs: number } | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Asks when it is time; undefined where the source does not report it. `nowMs` of any clock. */
  isActive(source: string | undefined, nowMs: number): boolean | undefined {
    if (source !== this.#source) this.close();
    this.#source = source;
    if (source?.startsWith('spectcl:') !== true) return undefined;
    if (!this.#asking && nowMs - this.#askedMs >= REQUEST_INTERVAL_MS) {
      this.#askedMs = nowMs;
      void this.#ask(source, nowMs);
    }
    const answer = this.#answer;
    return answer !== undefined && nowMs - answer.atMs <= VALID_MS ? answer.active : undefined;
  }

  close(): void {
    this.#generation += 1;
    this.#rest?.close();
    this.#rest = undefined;
    this.#answer = undefined;
    this.#askedMs = -Infinity;
    this.#asking = false;
  }

  async #ask(source: string, nowMs: number): Promise<void> {
    this.#asking = true;
    const generation = this.#generation;
    const isClosed = (): boolean => generation !== this.#generation;
    let rest = this.#rest;
    try {
      rest ??= await connectSpecTclRest(source, TIMEOUT_MS);
      const { RunState: state } = isClosed() ? {} : await rest.variables();
      if (isClosed()) return rest.close();
      this.#rest = rest;
      const active = state === undefined ? undefined : runIsActive(state);
      this.#answer = active === undefined ? undefined : { active, atMs: nowMs };
    } catch (error) {
      this.#log.debug('cannot read the run state by REST', { source, error });
      rest?.close();
      if (!isClosed()) this.#rest = undefined;
    } finally {
      if (!isClosed()) this.#asking = false;
    }
  }
}

/** SpecTcl has 1 and 0, or Active and Halted, by its version; Rustogramer `-undefined-`. */
function runIsActive(state: string): boolean | undefined {
  if (/^(1|active)$/i.test(state)) return true;
  return /^(0|halted)$/i.test(state) ? false : undefined;
}
