/**
 * The trends and alarms of all applications. `Applications` owns the only one. Runs one timer while
 * there are any, and starts and ends the trends of an application with its first and last record.
 */
import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../../protocol/base/clock.js';
import type { AlarmActions } from '../../../protocol/host/alarm-actions.js';
import type { Logger } from '../../../protocol/base/log.js';
import { AlarmNotifier, type DeliveryCounts } from '../alarms/alarm-notifier.js';
import type { AppWatch } from '../app-watch.js';
import { AppTrends } from './app-trends.js';
import type { ScalerReader } from './scaler-reader.js';
import { TrendRecords } from './trend-record-stores.js';

interface TrendsEvents {
  /** The trends of an application, or whether they are stored. */
  trends: [app: string];
  values: [app: string, atMs: number];
  alarms: [app: string];
}

export interface TrendsDependencies {
  /** Undefined for one application too many. */
  watch(app: string): AppWatch | undefined;
  scalers(app: string): ScalerReader;
  readonly stateDirectory: string;
  readonly alarmActions: AlarmActions | undefined;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly log: Logger;
}

/** Time between two measurements. */
const TICK_MS = 1_000;
/**
 * After a measurement an application rests for so many times its duration: many trends of large
 * spectra must not keep the viewer from serving pages.
 */
const REST_FACTOR = 4;

export class Trends extends EventEmitter<TrendsEvents> {
  readonly records: TrendRecords;
  readonly #dependencies: TrendsDependencies;
  readonly #notifier: AlarmNotifier;
  readonly #apps = new Map<string, AppTrends>();
  /** Monotonic milliseconds, by application. */
  readonly #restUntilMs = new Map<string, number>();
  #cancelTick: (() => void) | undefined;
  #closed = false;

  constructor(dependencies: TrendsDependencies) {
    super();
    const { stateDirectory, alarmActions, clock, log } = dependencies;
    this.#dependencies = dependencies;
    this.records = new TrendRecords(stateDirectory, log);
    this.#notifier = new AlarmNotifier(alarmActions, clock, log);
    this.records.trends.on('changed', (app) => this.#changed(app));
    this.records.alarms.on('changed', (app) => this.#changed(app));
  }

  /** Begins with the applications that had trends or alarms before. */
  start(): void {
    for (const app of this.records.keptApps()) this.#changed(app);
  }

  /** Undefined for an application without trends and alarms. */
  of(app: string): AppTrends | undefined {
    return this.#apps.get(app);
  }

  get apps(): readonly AppTrends[] {
    return [...this.#apps.values()];
  }

  /** What was sent to receivers outside of the viewer. */
  get deliveries(): readonly DeliveryCounts[] {
    return this.#notifier.counts;
  }

  get nowMs(): number {
    return this.#dependencies.wallMs();
  }

  /** Throws BAD_OPTION for an alarm that is not raised. */
  acknowledge(app: string, alarm: string, by: string): void {
    this.#apps.get(app)?.alarms.acknowledge(alarm, by, this.nowMs);
    this.#dependencies.log.info('an alarm was acknowledged', { application: app, alarm, by });
    this.emit('alarms', app);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTick?.();
    this.#cancelTick = undefined;
    const open = [...this.#apps.values()];
    this.#apps.clear();
    await Promise.all([...open.map((trends) => trends.close()), this.#notifier.close()]);
  }

  #changed(app: string): void {
    const existing = this.#apps.get(app);
    if (!this.records.has(app)) {
      this.#apps.delete(app);
      this.#restUntilMs.delete(app);
      void existing?.close();
    } else if (existing !== undefined) existing.update(this.nowMs);
    else this.#begin(app);
    this.#scheduleTick();
    this.emit('trends', app);
    this.emit('alarms', app);
  }

  #begin(app: string): void {
    const { watch: watchOf, scalers, stateDirectory, log } = this.#dependencies;
    const watch = this.#closed ? undefined : watchOf(app);
    if (watch === undefined) return;
    const parts = { watch, records: this.records, scalers: scalers(app), stateDirectory, log };
    this.#apps.set(app, new AppTrends(parts, this.nowMs));
  }

  #scheduleTick(): void {
    if (this.#apps.size === 0 || this.#closed) {
      this.#cancelTick?.();
      this.#cancelTick = undefined;
      return;
    }
    this.#cancelTick ??= this.#dependencies.clock.after(TICK_MS, () => {
      this.#cancelTick = undefined;
      this.#scheduleTick();
      this.#tick();
    });
  }

  #tick(): void {
    const { nowMs } = this;
    const { clock } = this.#dependencies;
    for (const [app, trends] of this.#apps) {
      const startMs = clock.nowMs();
      if (startMs < (this.#restUntilMs.get(app) ?? -Infinity)) continue;
      const { events, problemChanged } = trends.tick(nowMs);
      const endMs = clock.nowMs();
      this.#restUntilMs.set(app, endMs + REST_FACTOR * (endMs - startMs));
      if (problemChanged) this.emit('trends', app);
      this.emit('values', app, nowMs);
      if (events.length > 0) this.emit('alarms', app);
      for (const event of events) {
        this.#dependencies.log.info(`an alarm was ${event.state}`, { application: app, alarm: event.alarm });
        this.#notifier.notify(event);
      }
    }
  }
}
