/**
 * The three stores of records that trends and alarms have, side by side in the state directory, and
 * which applications have any. `Trends` owns them. Reads the names of files.
 */
import { readdirSync } from 'node:fs';
import { isName } from '../../../protocol/base/names.js';
import type { Logger } from '../../../protocol/base/log.js';
import type { AlarmRule, AlarmStatus, Trend } from '../../wire/trends.js';
import { AppRecords } from '../app-records.js';
import { ALARM_STATES, ALARMS, TRENDS } from './trend-records.js';

export class TrendRecords {
  readonly trends: AppRecords<Trend>;
  readonly alarms: AppRecords<AlarmRule>;
  readonly alarmStates: AppRecords<AlarmStatus>;
  readonly #directory: string;

  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.trends = new AppRecords(directory, TRENDS, log);
    this.alarms = new AppRecords(directory, ALARMS, log);
    this.alarmStates = new AppRecords(directory, ALARM_STATES, log);
  }

  /** Whether the application has a trend or an alarm. */
  has(app: string): boolean {
    return Object.keys(this.trends.of(app)).length > 0 || Object.keys(this.alarms.of(app)).length > 0;
  }

  /** The applications that had trends or alarms when the process started. */
  keptApps(): string[] {
    let names: string[];
    try {
      names = readdirSync(this.#directory);
    } catch {
      return [];
    }
    const apps = names.flatMap((name) => /^(?:trends|alarms)-(.+)\.json$/.exec(name)?.[1] ?? []);
    return [...new Set(apps)].filter((app) => isName(app) && this.has(app));
  }
}
