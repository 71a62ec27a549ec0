/**
 * Texts of alarms and trends, the same on the page and in what receivers of alarms get. Pure.
 */
import type { AlarmCondition, AlarmView, TrendSource } from '../wire/trends.js';

/** What raises the alarm: `beam is above 1000`. */
export function conditionText(condition: AlarmCondition): string {
  switch (condition.kind) {
    case 'above':
    case 'below':
      return `${condition.trend} is ${condition.kind} ${condition.limit}`;
    case 'outside':
      return `${condition.trend} is outside ${condition.low} to ${condition.high}`;
    case 'unchanged':
      return `${condition.trend} does not change`;
    case 'moved':
      return (
        `${condition.trend} is more than ${condition.deviations} standard deviations from ` +
        `${condition.reference}`
      );
    case 'stale':
      return 'the source sends no data';
    case 'run-ended':
      return 'the run has ended';
    default:
      return condition satisfies never;
  }
}

/** Text of a state: `raised`, `acknowledged by Eva`, or `clear`. */
export function stateText({ raised, acknowledged }: AlarmView): string {
  if (!raised) return 'clear';
  return acknowledged === undefined ? 'raised' : `acknowledged by ${acknowledged.by}`;
}

/** What a trend measures: `rate of tof, channels 10 to 20`. The end of a range is not included. */
export function sourceText(source: TrendSource): string {
  switch (source.kind) {
    case 'spectrum': {
      const x = source.x === undefined ? '' : `, channels ${source.x[0]} to ${source.x[1] - 1}`;
      const y = source.y === undefined ? '' : `, rows ${source.y[0]} to ${source.y[1] - 1}`;
      return `rate of ${source.spectrum}${x}${y}`;
    }
    case 'gate':
      return `rate of ${source.spectrum} in gate ${source.gate}`;
    case 'peak':
      return `centroid in ${source.spectrum}, channels ${source.x[0]} to ${source.x[1] - 1}`;
    case 'scaler':
      return `rate of ${source.field} in the flow ${source.flow}`;
    default:
      return source satisfies never;
  }
}

/** A value of a trend with four digits: `1.204e+6`, `12.3`, `0`. */
export function valueText(value: number | undefined): string {
  if (value === undefined) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(3);
  return size >= 1_000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}
