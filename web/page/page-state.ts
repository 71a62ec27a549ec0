/**
 * The data that the page has received from its server, and listeners for changes by topic. One
 * object for the whole page: `main.ts` writes it and notifies, the views read it and listen. No
 * I/O.
 */
import type {
  ApplicationSummary,
  AxisCalibration,
  GateShape,
  Layout,
  NetworkPicture,
  RunInfo,
  ServerMessage,
  SpectrumInfo,
  WatchStatus,
} from '../wire/messages.js';

/** `second`: once a second, for texts with an age. */
export type Topic =
  | 'second'
  | 'connection'
  | 'applications'
  | 'status'
  | 'list'
  | 'gates'
  | 'layouts'
  | 'network'
  | 'paused'
  | 'run';

type Welcome = ServerMessage & { kind: 'welcome' };

export class PageState {
  connected = false;
  welcome: Welcome | undefined;
  hostServer = true;
  /** Undefined before the first message. */
  applications: readonly ApplicationSummary[] | undefined;
  app: string | undefined;
  status: WatchStatus | undefined;
  spectra: readonly SpectrumInfo[] | undefined;
  gates: readonly GateShape[] = [];
  /** Whether the application lets pages that have signed in change its SpecTcl. */
  allowChanges = false;
  /** By name of the spectrum. */
  calibrations: Readonly<Record<string, AxisCalibration>> = {};
  /** By their names. */
  layouts: Readonly<Record<string, Layout>> = {};
  /** Of the application's SpecTcl; undefined before the first answer, and without one. */
  run: RunInfo | undefined;
  picture: NetworkPicture | undefined;
  paused = false;
  /** While paused: when the newest data at the pause were published, milliseconds since 1970. */
  pausedDataMs: number | undefined;
  readonly #listeners = new Map<Topic, Set<() => void>>();

  /** Calls `listener` after each change of the topic, until the returned function is called. */
  on(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) ?? new Set();
    this.#listeners.set(topic, listeners);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  notify(topic: Topic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener();
  }

  info(name: string): SpectrumInfo | undefined {
    return this.spectra?.find((info) => info.name === name);
  }

  /** Selects an application and drops the data of the previous one. */
  selectApplication(app: string | undefined): void {
    this.app = app;
    this.status = undefined;
    this.pausedDataMs = undefined;
    this.spectra = undefined;
    this.gates = [];
    this.allowChanges = false;
    this.calibrations = {};
    this.layouts = {};
    this.run = undefined;
    for (const topic of ['applications', 'status', 'list', 'gates', 'layouts', 'run'] as const)
      this.notify(topic);
  }
}
