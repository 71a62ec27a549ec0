/**
 * What only the REST service of a SpecTcl source provides, beyond the display memory: parameters
 * and bins of spectra, and gates. `AppWatch` starts it with the source's address. Asks every ten
 * seconds, when the list of spectra changes, and within a second when SpecTcl's traces name a
 * change of gates or spectra; opens HTTP connections. Without an answer spectra are shown all the
 * same, only without this metadata.
 */
import { EventEmitter } from 'eventemitter3';
import type { Logger } from '../../protocol/base/log.js';
import { gateShape, type GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpecTclRest, SpecTclSpectrum } from '../../protocol/spectcl/rest-client.js';
import { connectSpecTclRest } from '../../protocol/spectcl/rest-connection.js';

interface MetadataEvents {
  changed: [];
  /** The service has answered for the first time, or cannot. */
  answered: [];
}

const REFRESH_MS = 10_000;
const TRACE_MS = 1_000;
/** SpecTcl keeps changes for so long when this viewer does not fetch them. */
const TRACE_RETENTION_S = 60;
const REQUEST_TIMEOUT_MS = 3_000;

export class SourceMetadata extends EventEmitter<MetadataEvents> {
  readonly #log: Logger;
  #source: string | undefined;
  #rest: SpecTclRest | undefined;
  #timer: NodeJS.Timeout | undefined;
  #traceTimer: NodeJS.Timeout | undefined;
  /** The token of a trace of SpecTcl; undefined before it is established, and without traces. */
  #trace: number | undefined;
  #tracing = false;
  #requesting = false;
  /** Whether `refresh` was called while a request was running, whose answer may be older. */
  #requestAgain = false;
  #spectra = new Map<string, SpecTclSpectrum>();
  /** The last answer as JSON, to notice changes. */
  #json = '';
  #gates: readonly GateShape[] = [];
  #revision = 0;
  #isAnswered = false;

  constructor(log: Logger) {
    super();
    this.#log = log;
  }

  get gates(): readonly GateShape[] {
    return this.#gates;
  }

  /** Whether the service was asked once, with or without success, or need not be asked. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** Grows with every change. */
  get revision(): number {
    return this.#revision;
  }

  spectrum(name: string): SpecTclSpectrum | undefined {
    return this.#spectra.get(name);
  }

  /** Refreshes from now on. Does nothing for a source that is not a SpecTcl. */
  start(source: string | undefined): void {
    if (source !== this.#source) this.stop();
    this.#source = source;
    if (source?.startsWith('spectcl:') !== true) return this.#answered();
    this.#timer ??= setInterval(() => this.refresh(), REFRESH_MS);
    this.#traceTimer ??= setInterval(() => void this.#fetchTrace(), TRACE_MS);
    this.refresh();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearInterval(this.#traceTimer);
    this.#timer = undefined;
    this.#traceTimer = undefined;
    this.#endTrace();
    this.#disconnect();
  }

  /** Asks the service now; `changed` follows when the answer differs. */
  refresh(): void {
    if (this.#timer === undefined) return;
    if (this.#requesting) {
      this.#requestAgain = true;
      return;
    }
    this.#requesting = true;
    void this.#request().finally(() => {
      this.#requesting = false;
      this.#answered();
      if (!this.#requestAgain) return;
      this.#requestAgain = false;
      this.refresh();
    });
  }

  async #request(): Promise<void> {
    try {
      this.#rest ??= await connectSpecTclRest(this.#source ?? '', REQUEST_TIMEOUT_MS);
      const [spectra, gates] = await Promise.all([this.#rest.spectra(), this.#rest.gates()]);
      const json = JSON.stringify([spectra, gates]);
      if (json === this.#json) return;
      this.#json = json;
      this.#spectra = new Map(spectra.map((spectrum) => [spectrum.name, spectrum]));
      this.#gates = gates.flatMap((gate) => gateShape(gate) ?? []);
      this.#revision += 1;
      this.emit('changed');
    } catch (error) {
      this.#log.debug('cannot read spectra and gates by REST', { source: this.#source, error });
      // The service's port may have changed: the next request looks it up again.
      this.#disconnect();
    }
  }

  /** Refreshes when another client has changed gates or spectra. */
  async #fetchTrace(): Promise<void> {
    const rest = this.#rest;
    if (rest === undefined || this.#tracing) return;
    this.#tracing = true;
    try {
      this.#trace ??= await rest.traceEstablish(TRACE_RETENTION_S);
      const { gate, spectrum } = await rest.traceFetch(this.#trace);
      if (gate.length > 0 || spectrum.length > 0) this.refresh();
    } catch {
      // Without traces, and after a restart of SpecTcl, which forgets them, the next turn tries
      // again; the list itself is asked every ten seconds all the same.
      this.#trace = undefined;
    } finally {
      this.#tracing = false;
    }
  }

  #endTrace(): void {
    if (this.#trace !== undefined) void this.#rest?.traceDone(this.#trace).catch(() => undefined);
    this.#trace = undefined;
  }

  #answered(): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.emit('answered');
  }

  #disconnect(): void {
    this.#rest?.close();
    this.#rest = undefined;
  }
}
