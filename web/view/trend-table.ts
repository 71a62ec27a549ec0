/**
 * Values of several trends as one table for a plot over time: gaps where nothing was measured, and
 * the lines of thresholds and alarms. Pure.
 */
import type { AlarmRule, Trend, TrendHistory } from '../wire/trends.js';

/** Seconds since 1970, with the values at these times; null ends the line. */
export interface TrendColumns {
  readonly times: number[];
  readonly mean: (number | null)[];
  readonly low: (number | null)[];
  readonly high: (number | null)[];
}

/** So many times the usual distance of two points is a gap, but never less than the seconds. */
const GAP_FACTOR = 3;
const GAP_LEAST_S = 15;

/** The columns of one trend. A gap gets a row of nulls, so that no line is drawn over it. */
export function trendColumns({ timesMs, mean, low, high }: TrendHistory): TrendColumns {
  const columns: TrendColumns = { times: [], mean: [], low: [], high: [] };
  const gapS = Math.max(GAP_LEAST_S, GAP_FACTOR * usualStepS(timesMs));
  timesMs.forEach((timeMs, index) => {
    const time = timeMs / 1_000;
    const before = columns.times.at(-1);
    if (before !== undefined && time - before > gapS) addRow(columns, before + gapS / 2, null, null, null);
    addRow(columns, time, mean[index] ?? null, low[index] ?? null, high[index] ?? null);
  });
  return columns;
}

/** Values that are drawn as lines: thresholds of the trend, and limits of alarms that read it. */
export function linesOf(
  name: string,
  trend: Trend,
  rules: readonly AlarmRule[],
): { readonly thresholds: readonly number[]; readonly limits: readonly number[] } {
  const limits = rules.flatMap(({ condition }) => {
    if (!('trend' in condition) || condition.trend !== name) return [];
    switch (condition.kind) {
      case 'above':
      case 'below':
        return [condition.limit];
      case 'outside':
        return [condition.low, condition.high];
      case 'moved':
        return [condition.reference];
      case 'unchanged':
        return [];
      default:
        return condition satisfies never;
    }
  });
  return { thresholds: trend.thresholds, limits };
}

/** A line further from the values than so many times their span is not worth a flat picture. */
const LINE_REACH = 4;

/**
 * The range of the vertical axis: all values, zero too where they are rates, and the lines that are
 * not too far away.
 */
export function verticalRange(
  values: readonly number[],
  lines: readonly number[],
  withZero: boolean,
): [low: number, high: number] {
  const base = withZero ? [0, ...values] : values;
  const [from, to] = extremes(base.length > 0 && values.length > 0 ? base : lines);
  const reach = (to - from || Math.abs(to) || 1) * LINE_REACH;
  const near = lines.filter((line) => line >= from - reach && line <= to + reach);
  const [low, high] = extremes([from, to, ...near]);
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [withZero && low === 0 ? 0 : low - margin, high + margin];
}

/** A place on the vertical axis: short, `800`, `1.5e+6`. */
export function tickText(value: number): string {
  const rounded = Number(value.toPrecision(6));
  const size = Math.abs(rounded);
  return size >= 1e5 || (size > 0 && size < 1e-3) ? rounded.toExponential() : String(rounded);
}

/** A time on the axis, by the distance of ticks in seconds: a day, a minute or a second. */
export function timeText(seconds: number, stepS: number): string {
  const date = new Date(seconds * 1_000);
  const isMidnight = date.getHours() === 0 && date.getMinutes() === 0;
  if (stepS >= 86_400 || (stepS >= 3_600 && isMidnight)) {
    return date.toLocaleDateString('en-GB', { day: '2-digit', month: 'short' });
  }
  return date.toLocaleTimeString('en-GB').slice(0, stepS >= 60 ? 5 : 8);
}

/** 0 and 1 without values. Loops, since a call takes only so many arguments. */
function extremes(values: readonly number[]): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low > high ? [0, 1] : [low, high];
}

function addRow(
  { times, mean, low, high }: TrendColumns,
  time: number,
  ...[m, l, h]: readonly [number | null, number | null, number | null]
): void {
  times.push(time);
  mean.push(m);
  low.push(l);
  high.push(h);
}

/** The median distance of two points, in seconds. */
function usualStepS(timesMs: readonly number[]): number {
  const steps = timesMs.slice(1).map((timeMs, index) => (timeMs - (timesMs[index] ?? timeMs)) / 1_000);
  steps.sort((one, other) => one - other);
  return steps[steps.length >> 1] ?? 0;
}
