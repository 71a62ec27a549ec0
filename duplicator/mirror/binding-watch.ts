/**
 * Whether SpecTcl's bindings are still those of the header that was received last. SpecTcl never
 * sends a new header on an old connection, so an update is only published under the header at hand
 * when REST, asked after the update had arrived, knows of no change.
 *
 * A trace costs SpecTcl next to nothing and is used where the service has traces; otherwise the
 * list of bindings is compared.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { KeptConnectionLost, type SpecTclRest } from '../../protocol/spectcl/rest-client.js';

export type BindingVerdict = 'same' | 'changed';

/** Seconds SpecTcl keeps a trace that nobody fetches; the slowest pace asks far more often. */
const TRACE_RETENTION_S = 60;

export class BindingWatch {
  readonly #rest: SpecTclRest;
  #token: number | undefined;
  #list: string | undefined;

  private constructor(rest: SpecTclRest) {
    this.#rest = rest;
  }

  /**
   * Begins to watch: what changes from now on is noticed. `hasty` asks the first question, `rest`
   * all later ones. Throws what REST threw when it could not be asked at all.
   */
  static async begin(hasty: SpecTclRest, rest: SpecTclRest): Promise<BindingWatch> {
    const watch = new BindingWatch(rest);
    await watch.#establish(hasty);
    return watch;
  }

  /** Asks once; a change is told once. Throws what REST threw: then nothing is known. */
  async verdict(): Promise<BindingVerdict> {
    if (this.#token === undefined) return this.#compareLists();
    try {
      const { binding } = await this.#rest.traceFetch(this.#token);
      return binding.length === 0 ? 'same' : 'changed';
    } catch (error) {
      if (!isMirrorflowError(error, 'SOURCE_REFUSED') && !(error instanceof KeptConnectionLost)) throw error;
      // The trace ran out, an answer was lost, or the server was replaced: whatever happened
      // meanwhile is not known, so it counts as a change.
      await this.#establish(this.#rest);
      return 'changed';
    }
  }

  /** Releases the trace; failing to is no loss, it ends by itself. */
  async end(): Promise<void> {
    const token = this.#token;
    this.#token = undefined;
    if (token !== undefined) await this.#rest.traceDone(token).catch(() => undefined);
  }

  async #establish(rest: SpecTclRest): Promise<void> {
    try {
      this.#token = await rest.traceEstablish(TRACE_RETENTION_S);
    } catch (error) {
      if (isMirrorflowError(error, 'SOURCE_UNREACHABLE')) throw error;
      this.#token = undefined;
      this.#list = await bindingsOf(rest);
    }
  }

  async #compareLists(): Promise<BindingVerdict> {
    const before = this.#list;
    this.#list = await bindingsOf(this.#rest);
    return this.#list === before ? 'same' : 'changed';
  }
}

async function bindingsOf(rest: SpecTclRest): Promise<string> {
  return JSON.stringify(await rest.bindings());
}
