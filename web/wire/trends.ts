/**
 * Trends and alarms as page and server exchange them: what a trend measures, its values over time,
 * the rules of alarms and their states, with their limits and checks. `messages.ts` carries them;
 * the server keeps the definitions. Pure.
 */
import { isRange, type ChannelRange } from './ranges.js';

/** What a trend measures. Places are stored channels; ranges do not include their end. */
export type TrendSource =
  /** Counts per second of a spectrum, or of a region of it. */
  | {
      readonly kind: 'spectrum';
      readonly spectrum: string;
      readonly x?: ChannelRange;
      readonly y?: ChannelRange;
    }
  /** Counts per second inside a gate of the source, drawn in this spectrum. */
  | { readonly kind: 'gate'; readonly spectrum: string; readonly gate: string }
  /** The centroid of the peak in a region, fitted to the counts of the last while. */
  | { readonly kind: 'peak'; readonly spectrum: string; readonly x: ChannelRange }
  /** Increase per second of a number that a program writes into a flow of JSON records. */
  | { readonly kind: 'scaler'; readonly flow: string; readonly field: string };

export interface Trend {
  readonly source: TrendSource;
  /** Lines in the plot. */
  readonly thresholds: readonly number[];
}

/** When an alarm is raised. `trend`: the name of a trend of the same application. */
export type AlarmCondition =
  | { readonly kind: 'above'; readonly trend: string; readonly limit: number; readonly hysteresis: number }
  | { readonly kind: 'below'; readonly trend: string; readonly limit: number; readonly hysteresis: number }
  | {
      readonly kind: 'outside';
      readonly trend: string;
      readonly low: number;
      readonly high: number;
      readonly hysteresis: number;
    }
  /** A rate is zero, or a centroid stays exactly the same. */
  | { readonly kind: 'unchanged'; readonly trend: string }
  /** A peak is more than so many standard deviations from the reference. */
  | {
      readonly kind: 'moved';
      readonly trend: string;
      readonly reference: number;
      readonly deviations: number;
    }
  | { readonly kind: 'stale' }
  | { readonly kind: 'run-ended' };

export interface AlarmRule {
  readonly condition: AlarmCondition;
  /** The condition must hold for so long before the alarm is raised. */
  readonly raiseAfterS: number;
  /** Seconds for which the condition must not hold before the alarm is cleared. */
  readonly clearAfterS: number;
}

export interface Acknowledgement {
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

export interface AlarmStatus {
  readonly raised: boolean;
  /** Start of this state, milliseconds since 1970. */
  readonly sinceMs: number;
  /** Only of a raised alarm. */
  readonly acknowledged?: Acknowledgement;
}

/** An alarm as pages and receivers see it. */
export interface AlarmView extends AlarmStatus {
  readonly rule: AlarmRule;
  /** Value of the alarm's trend at the last change; missing after a restart. */
  readonly value?: number;
}

/** Values of one trend; null where there is none. Each point covers some time. */
export interface TrendHistory {
  /** Milliseconds since 1970: the start of each point, oldest first. */
  readonly timesMs: readonly number[];
  readonly mean: readonly (number | null)[];
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** Most trends and alarms of one application. */
export const TRENDS_MAX = 100;
export const ALARMS_MAX = 100;
/** Centroids cost a fit each, so they are fewer. */
export const PEAK_TRENDS_MAX = 16;
export const THRESHOLDS_MAX = 4;
/** The longest span that is kept, and the finest: both in seconds. */
export const TREND_SPANS_S = [600, 3_600, 21_600, 86_400, 604_800, 2_592_000] as const;
export const TREND_NAME_CHARACTERS_MAX = 60;
/** Longest minimum time of an alarm. */
const ALARM_TIME_MAX_S = 86_400;
/** SpecTcl's own names are shorter. */
const SOURCE_NAME_CHARACTERS_MAX = 256;

type Fields = Readonly<Record<string, unknown>>;

/** Whether a trend, an alarm or a person may have this name: one line that is not blank. */
export function isTrendName(name: unknown): name is string {
  if (typeof name !== 'string' || name.length > TREND_NAME_CHARACTERS_MAX) return false;
  return name.trim() === name && /^[^\p{C}]+$/u.test(name);
}

export function isTrend(value: unknown): value is Trend {
  if (!isFields(value)) return false;
  const { thresholds, source } = value;
  return (
    Array.isArray(thresholds) &&
    thresholds.length <= THRESHOLDS_MAX &&
    thresholds.every((threshold) => isNumber(threshold)) &&
    isTrendSource(source)
  );
}

export function isTrendSource(value: unknown): value is TrendSource {
  if (!isFields(value)) return false;
  const { kind, spectrum, x, y } = value;
  switch (kind) {
    case 'spectrum':
      return isText(spectrum) && isOptionalRange(x) && isOptionalRange(y);
    case 'gate':
      return isText(spectrum) && isText(value['gate']);
    case 'peak':
      return isText(spectrum) && isRange(x);
    case 'scaler':
      return isText(value['flow']) && isText(value['field']);
    default:
      return false;
  }
}

export function isAlarmRule(value: unknown): value is AlarmRule {
  if (!isFields(value)) return false;
  const { condition, raiseAfterS, clearAfterS } = value;
  return isCondition(condition) && isTime(raiseAfterS) && isTime(clearAfterS);
}

export function isAlarmStatus(value: unknown): value is AlarmStatus {
  if (!isFields(value)) return false;
  const { raised, sinceMs, acknowledged } = value;
  return (
    typeof raised === 'boolean' &&
    isNumber(sinceMs) &&
    (acknowledged === undefined ||
      (isFields(acknowledged) && isTrendName(acknowledged['by']) && isNumber(acknowledged['atMs'])))
  );
}

/** The trend that a condition reads; undefined where it reads none. */
export function trendOf(condition: AlarmCondition): string | undefined {
  return 'trend' in condition ? condition.trend : undefined;
}

function isCondition(value: unknown): value is AlarmCondition {
  if (!isFields(value)) return false;
  const { kind, trend, limit, low, high, hysteresis, reference, deviations } = value;
  if (kind === 'stale' || kind === 'run-ended') return true;
  if (!isTrendName(trend)) return false;
  switch (kind) {
    case 'above':
    case 'below':
      return isNumber(limit) && isNotNegative(hysteresis);
    case 'outside':
      return isNumber(low) && isNumber(high) && low < high && isNotNegative(hysteresis);
    case 'unchanged':
      return true;
    case 'moved':
      return isNumber(reference) && isNumber(deviations) && deviations > 0;
    default:
      return false;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= SOURCE_NAME_CHARACTERS_MAX;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isNotNegative(value: unknown): value is number {
  return isNumber(value) && value >= 0;
}

function isTime(value: unknown): value is number {
  return isNotNegative(value) && value <= ALARM_TIME_MAX_S;
}

function isOptionalRange(value: unknown): boolean {
  return value === undefined || isRange(value);
}
