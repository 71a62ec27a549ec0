/**
 * Which trends and alarms are kept for all pages, and the state of each alarm, which outlives the
 * process so that a restart raises nothing twice. `Trends` owns the stores (`app-records.ts`).
 * Pure.
 */
import {
  ALARMS_MAX,
  isAlarmRule,
  isAlarmStatus,
  isTrend,
  TRENDS_MAX,
  type AlarmRule,
  type AlarmStatus,
  type Trend,
  type TrendSource,
} from '../../wire/trends.js';
import type { RecordKind } from '../app-records.js';

/** By name of the trend. */
export const TRENDS: RecordKind<Trend> = { plural: 'trends', recordsMax: TRENDS_MAX, isValid: isTrend };

/** By name of the alarm. */
export const ALARMS: RecordKind<AlarmRule> = {
  plural: 'alarms',
  recordsMax: ALARMS_MAX,
  isValid: isAlarmRule,
};

/** By name of the alarm; alarms that are not raised have none. */
export const ALARM_STATES: RecordKind<AlarmStatus> = {
  plural: 'alarm-states',
  recordsMax: ALARMS_MAX,
  isValid: isAlarmStatus,
};

/**
 * Identifies what a trend measures: its values on disk belong to this, so that a trend with another
 * name has them, and one of the same name that measures something else has not.
 */
export function sourceKey(source: TrendSource): string {
  switch (source.kind) {
    case 'spectrum':
      return JSON.stringify(['spectrum', source.spectrum, source.x ?? null, source.y ?? null]);
    case 'gate':
      return JSON.stringify(['gate', source.spectrum, source.gate]);
    case 'peak':
      return JSON.stringify(['peak', source.spectrum, source.x]);
    case 'scaler':
      return JSON.stringify(['scaler', source.flow, source.field]);
    default:
      return source satisfies never;
  }
}
