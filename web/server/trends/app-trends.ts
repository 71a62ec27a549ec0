/**
 * The trends and alarms of one application: measures every second, keeps the values in memory and
 * on disk, and judges the alarms. `Trends` has one for each application that has any. Keeps the
 * application's mirror attached; writes files through `TrendStore`.
 */
import { join } from 'node:path';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { Logger } from '../../../protocol/base/log.js';
import type { AlarmView, Trend, TrendHistory } from '../../wire/trends.js';
import { AppAlarms, type AlarmEvent } from '../alarms/app-alarms.js';
import type { AppWatch } from '../app-watch.js';
import { RunWatch } from './run-watch.js';
import type { ScalerReader } from './scaler-reader.js';
import { LEVELS, type TimedPoint } from './trend-levels.js';
import type { TrendRecords } from './trend-record-stores.js';
import { sourceKey } from './trend-records.js';
import { TrendSampler } from './trend-sampler.js';
import { thinned, TrendSeries } from './trend-series.js';
import { STORE_LIMITS, TrendStore } from './trend-store.js';

/** What one second has changed. */
export interface TrendTick {
  readonly values: Readonly<Record<string, number>>;
  readonly events: readonly AlarmEvent[];
  /** Whether `problem` has changed. */
  readonly problemChanged: boolean;
}

export interface AppTrendsParts {
  readonly watch: AppWatch;
  readonly records: TrendRecords;
  readonly scalers: ScalerReader;
  /** Below it are the files of trends; an absolute path. */
  readonly stateDirectory: string;
  readonly log: Logger;
}

const MINUTE_MS = LEVELS.minutes.widthMs;
const KEPT_IN_MEMORY_MS = MINUTE_MS * LEVELS.minutes.slots;
/** Points of one answer: a plot has no more columns. */
export const POINTS_MAX = 1_500;

export class AppTrends {
  readonly app: string;
  readonly alarms: AppAlarms;
  readonly #records: TrendRecords;
  readonly #watch: AppWatch;
  readonly #sampler: TrendSampler;
  readonly #scalers: ScalerReader;
  readonly #run: RunWatch;
  readonly #store: TrendStore;
  /** Lets the mirror go; undefined while nothing needs it. */
  #release: (() => void) | undefined;
  /** By key of the source. */
  readonly #series = new Map<string, TrendSeries>();
  #latest: Readonly<Record<string, number>> = {};
  #minute: number | undefined;
  #lastMs = -Infinity;

  constructor({ watch, records, scalers, stateDirectory, log }: AppTrendsParts, nowMs: number) {
    this.app = watch.app;
    this.#watch = watch;
    this.#records = records;
    this.#scalers = scalers;
    this.#sampler = new TrendSampler(watch, scalers, log);
    this.#run = new RunWatch(log);
    this.#store = new TrendStore(join(stateDirectory, 'trends', watch.app), log, STORE_LIMITS);
    this.alarms = new AppAlarms(watch.app, records.alarms, records.alarmStates, nowMs);
    this.#addSeries(nowMs);
    this.#attachWhereNeeded();
  }

  get trends(): Readonly<Record<string, Trend>> {
    return this.#records.trends.of(this.app);
  }

  /** Why values are not stored; undefined while they are. */
  get problem(): string | undefined {
    return this.#store.problem;
  }

  /** The values of the last second. */
  get values(): Readonly<Record<string, number>> {
    return this.#latest;
  }

  get alarmViews(): Readonly<Record<string, AlarmView>> {
    return this.alarms.views;
  }

  /** Takes over the trends and rules as they are kept now. */
  update(nowMs: number): void {
    this.#addSeries(nowMs);
    this.alarms.update(nowMs);
    const flows = Object.values(this.trends).flatMap(({ source }) =>
      source.kind === 'scaler' ? [source.flow] : [],
    );
    this.#scalers.keepOnly(new Set(flows));
    this.#attachWhereNeeded();
  }

  /** Measures and judges once. Milliseconds since 1970. */
  tick(nowMs: number): TrendTick {
    const problem = this.#store.problem;
    const { trends } = this;
    this.#endMinute(trends, nowMs);
    const measured = this.#sampler.sample(trends, nowMs);
    const values: Record<string, number> = {};
    for (const [name, { source }] of Object.entries(trends)) {
      const value = measured.get(name)?.value;
      this.#series.get(sourceKey(source))?.add(nowMs, value);
      if (value !== undefined) values[name] = value;
    }
    this.#latest = values;
    const { state } = this.#watch.status;
    const runActive = this.alarms.needsRun ? this.#run.isActive(this.#watch.source, nowMs) : undefined;
    const observation = { state, runActive, measured: (trend: string) => measured.get(trend) };
    const events = this.alarms.judge(observation, nowMs);
    return { values, events, problemChanged: problem !== this.#store.problem };
  }

  /** Throws BAD_OPTION for an unknown trend. The newest `spanS` seconds. */
  async history(name: string, spanS: number, nowMs: number): Promise<TrendHistory> {
    const { trends } = this;
    const trend = Object.hasOwn(trends, name) ? trends[name] : undefined;
    if (trend === undefined) {
      throw new MirrorflowError('BAD_OPTION', `${this.app} has no trend ${JSON.stringify(name)}`, { name });
    }
    const key = sourceKey(trend.source);
    const fromMs = nowMs - spanS * 1_000;
    const inMemoryMs = Math.max(fromMs, nowMs - KEPT_IN_MEMORY_MS);
    const newest = this.#series.get(key)?.points(inMemoryMs, nowMs) ?? [];
    const oldest = newest[0]?.atMs ?? nowMs;
    const older =
      fromMs < inMemoryMs ? await this.#store.points(key, fromMs, Math.min(inMemoryMs, oldest) - 1) : [];
    return historyOf(thinned([...older, ...newest], POINTS_MAX));
  }

  async close(): Promise<void> {
    this.#release?.();
    this.#release = undefined;
    this.#run.close();
    this.#store.close();
    await this.#scalers.close();
  }

  /** An application without a source has no mirror; its scalers need none. */
  #attachWhereNeeded(): void {
    const isNeeded =
      this.alarms.needsSource || Object.values(this.trends).some(({ source }) => source.kind !== 'scaler');
    if (isNeeded) this.#release ??= this.#watch.keepAttached();
    else {
      this.#release?.();
      this.#release = undefined;
    }
  }

  /** Series for trends that have none yet, with their last two days from the files. */
  #addSeries(nowMs: number): void {
    const keys = new Set(Object.values(this.trends).map(({ source }) => sourceKey(source)));
    for (const key of this.#series.keys()) if (!keys.has(key)) this.#series.delete(key);
    const added = new Map<string, TrendSeries>();
    for (const key of keys) if (!this.#series.has(key)) added.set(key, new TrendSeries());
    if (added.size === 0) return;
    this.#store.readMinutes(nowMs - KEPT_IN_MEMORY_MS, (minute, key, point) =>
      added.get(key)?.restore(minute, point),
    );
    for (const [key, series] of added) this.#series.set(key, series);
  }

  #endMinute(trends: Readonly<Record<string, Trend>>, nowMs: number): void {
    // A clock that was set back: nothing is written twice.
    if (nowMs < this.#lastMs) return;
    this.#lastMs = nowMs;
    const minute = Math.floor(nowMs / MINUTE_MS);
    const ended = this.#minute;
    this.#minute = minute;
    if (ended === undefined || ended === minute) return;
    const keys = [...new Set(Object.values(trends).map(({ source }) => sourceKey(source)))].sort();
    if (keys.length === 0) return;
    const points = keys.map((key) => this.#series.get(key)?.endMinute(ended));
    if (points.every((point) => point === undefined || Number.isNaN(point.mean))) return;
    this.#store.append(
      ended,
      keys,
      points.map((point) => point ?? { mean: Number.NaN, low: Number.NaN, high: Number.NaN }),
    );
  }
}

function historyOf(points: readonly TimedPoint[]): TrendHistory {
  return {
    timesMs: points.map(({ atMs }) => atMs),
    mean: points.map(({ mean }) => mean),
    low: points.map(({ low }) => low),
    high: points.map(({ high }) => high),
  };
}
