/**
 * Reads the run of a SpecTcl from its variables: number, title, state, and analysed buffers per
 * second. `AppWatch` owns one and reads while pages show the application; the metrics read at each
 * scrape. Opens HTTP connections to SpecTcl. Without an answer there is no run to show.
 */
import type { Logger } from '../../protocol/base/log.js';
import { connectSpecTclRest } from '../../protocol/spectcl/rest-connection.js';
import type { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { runInfo, type AnalysedSample } from '../view/run-info.js';
import type { RunInfo } from '../wire/application.js';

const REQUEST_TIMEOUT_MS = 1_500;
/** Age up to which an answer is used again; a rate needs some time between two answers. */
const KEPT_MS = 1_000;

export class RunReader {
  readonly #log: Logger;
  #source: string | undefined;
  #rest: SpecTclRest | undefined;
  #request: Promise<RunInfo | undefined> | undefined;
  #readMs = -Infinity;
  #sample: AnalysedSample | undefined;
  #info: RunInfo | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The run by the last answer; undefined without one. */
  get info(): RunInfo | undefined {
    return this.#info;
  }

  /**
   * The run of the SpecTcl at this address. Never rejects; undefined without an answer, and for a
   * source that is not a SpecTcl.
   */
  async read(source: string | undefined): Promise<RunInfo | undefined> {
    if (source !== this.#source) this.close();
    this.#source = source;
    if (source?.startsWith('spectcl:') !== true) return undefined;
    if (performance.now() - this.#readMs < KEPT_MS) return this.#info;
    this.#request ??= this.#ask(source).finally(() => (this.#request = undefined));
    return this.#request;
  }

  close(): void {
    this.#rest?.close();
    this.#rest = undefined;
    this.#sample = undefined;
    this.#info = undefined;
    this.#readMs = -Infinity;
  }

  async #ask(source: string): Promise<RunInfo | undefined> {
    try {
      this.#rest ??= await connectSpecTclRest(source, REQUEST_TIMEOUT_MS);
      const variables = await this.#rest.variables();
      const nowMs = performance.now();
      const { info, sample } = runInfo(variables, this.#sample, nowMs);
      this.#info = info;
      this.#sample = sample;
      this.#readMs = nowMs;
    } catch (error) {
      this.#log.debug('cannot read the run by REST', { source, error });
      // The service's port may have changed: the next request looks it up again.
      this.close();
    }
    return this.#info;
  }
}
