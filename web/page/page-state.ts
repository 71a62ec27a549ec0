/**
 * The data that the page has received from its server, and listeners for changes by topic. One
 * object for the whole page: `ServerMessages` and the parts write it and notify, the views read it
 * and listen. No I/O.
 */
import { spectrumAtMoment } from '../view/moment.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { ApplicationSummary, RunInfo, WatchStatus } from '../wire/application.js';
import type { Layout } from '../wire/layout.js';
import type { ServerMessage } from '../wire/messages.js';
import type { NetworkPicture } from '../wire/network.js';
import type { Replay, ShownMoment, Timeline } from '../wire/recording.js';
import type { AxisCalibration, SpectrumInfo } from '../wire/spectrum-info.js';
import type { AlarmView, Trend } from '../wire/trends.js';

/** `second`: once a second, for texts with an age. */
export type Topic =
  | 'second'
  | 'connection'
  | 'applications'
  | 'status'
  | 'list'
  | 'gates'
  | 'layouts'
  | 'trends'
  | 'trend-values'
  | 'alarms'
  | 'network'
  | 'paused'
  | 'timeline'
  | 'moment'
  | 'replay'
  | 'run';

type Welcome = ServerMessage & { kind: 'welcome' };

export class PageState {
  connected = false;
  welcome: Welcome | undefined;
  hostServer = true;
  /** Undefined before the first message. */
  applications: readonly ApplicationSummary[] | undefined;
  /** Name of the application that the page shows. */
  app: string | undefined;
  status: WatchStatus | undefined;
  /** The present spectra; undefined before they have arrived. */
  liveSpectra: readonly SpectrumInfo[] | undefined;
  liveGates: readonly GateShape[] = [];
  /** What is recorded of the application; undefined before it is known. */
  timeline: Timeline | undefined;
  /** Replay of an application that plays a recording. */
  replay: Replay | undefined;
  /** The moment of the recording that the page shows, milliseconds since 1970. */
  momentMs: number | undefined;
  /** What was recorded at that moment, or why it cannot be shown; undefined while it is read. */
  recorded: ShownMoment | { readonly error: string } | undefined;
  /** Whether the application lets pages that have signed in change its SpecTcl. */
  allowChanges = false;
  /** By name of the spectrum. */
  calibrations: Readonly<Record<string, AxisCalibration>> = {};
  /** By their names. */
  layouts: Readonly<Record<string, Layout>> = {};
  /** Run of the application's SpecTcl; undefined before the first answer, and without one. */
  run: RunInfo | undefined;
  /** By their names. */
  trends: Readonly<Record<string, Trend>> = {};
  /** Why trends are not stored; undefined while they are. */
  trendProblem: string | undefined;
  /** Values of the trends in the last second; undefined before the first. */
  trendValues: { readonly atMs: number; readonly values: Readonly<Record<string, number>> } | undefined;
  alarms: Readonly<Record<string, AlarmView>> = {};
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

  /** The spectra of the moment that is shown. */
  get spectra(): readonly SpectrumInfo[] | undefined {
    return this.#shown?.spectra ?? this.liveSpectra;
  }

  get gates(): readonly GateShape[] {
    return this.#shown?.gates ?? this.liveGates;
  }

  /** Describes a spectrum, also as it was at a moment (`moment.ts`). */
  info(name: string): SpectrumInfo | undefined {
    const { spectrum } = spectrumAtMoment(name);
    return this.spectra?.find((info) => info.name === spectrum);
  }

  /** Selects an application and drops the data of the previous one. */
  selectApplication(app: string | undefined): void {
    this.app = app;
    this.status = undefined;
    this.pausedDataMs = undefined;
    this.liveSpectra = undefined;
    this.liveGates = [];
    this.allowChanges = false;
    this.timeline = undefined;
    this.momentMs = undefined;
    this.replay = undefined;
    this.recorded = undefined;
    this.calibrations = {};
    this.layouts = {};
    this.run = undefined;
    this.trends = {};
    this.trendProblem = undefined;
    this.trendValues = undefined;
    this.alarms = {};
    for (const topic of [
      'applications',
      'status',
      'list',
      'gates',
      'layouts',
      'timeline',
      'moment',
      'replay',
      'run',
      'trends',
      'alarms',
    ] as const)
      this.notify(topic);
  }

  get #shown(): ShownMoment | undefined {
    const { recorded } = this;
    return this.momentMs === undefined || recorded === undefined || 'error' in recorded
      ? undefined
      : recorded;
  }
}
