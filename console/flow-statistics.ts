/**
 * Formats the counters of a flow: value, rate between two samples, meaning.
 *
 * `mirrorflow stats`, `top` and `start` call it with the counters that a duplicator, the process
 * that owns a flow, writes to the flow file. Pure: no I/O.
 */
import { ratesBetween as ratesOfCounters, type CounterSample } from '../protocol/base/rates.js';
import { COUNTERS, GAUGES } from '../protocol/flow/flow-file/counters.js';
import { formatByteRate, formatBytes, formatCount, formatDuration, formatRate } from '../plotting/numbers.js';

type Counters = Readonly<Record<string, number>>;

export interface CounterRow {
  readonly name: string;
  readonly value: string;
  /** Empty at the first sample, and for a counter that is a level and no ever-growing count. */
  readonly rate: string;
  readonly help: string;
}

const RATE_SUFFIX = 'PerSecond';

export function counterRows(sample: CounterSample, previous: CounterSample | undefined): CounterRow[] {
  const rates = flowRates(sample, previous);
  return Object.entries(countersOf(sample)).map(([name, value]) => ({
    name,
    value: shownValue(name, value),
    rate: shownRate(name, Object.hasOwn(rates, name) ? rates[name] : undefined),
    help: helpOf(name),
  }));
}

/** The counters without the rates that the server adds to them. */
export function countersOf({ counters }: CounterSample): Counters {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !name.endsWith(RATE_SUFFIX)));
}

/**
 * Rates per second of the counters that did not decrease; the server's rates for a first sample.
 */
export function flowRates(
  sample: CounterSample,
  previous: CounterSample | undefined,
): Record<string, number> {
  const measured = previous === undefined ? {} : ratesOfCounters(previous, sample);
  const rates: Record<string, number> = {};
  for (const name of Object.keys(countersOf(sample))) {
    if (GAUGES.has(name)) continue;
    const isMeasured =
      previous !== undefined && sample.atMs > previous.atMs && Object.hasOwn(previous.counters, name);
    const rate = isMeasured ? measured[name] : sample.counters[`${name}${RATE_SUFFIX}`];
    if (rate !== undefined && rate >= 0) rates[name] = rate;
  }
  return rates;
}

function shownValue(name: string, value: number): string {
  if (name.endsWith('Bytes')) return formatBytes(value);
  return name.endsWith('Ns') ? formatDuration(value / 1e6) : formatCount(value);
}

function shownRate(name: string, rate: number | undefined): string {
  if (rate === undefined) return '';
  if (name.endsWith('Bytes')) return formatByteRate(rate);
  // 1e9 nanoseconds per second are 100 % of the time.
  return name.endsWith('Ns') ? `${(rate / 1e7).toFixed(1)} %` : formatRate(rate);
}

function helpOf(name: string): string {
  return Object.hasOwn(COUNTERS, name) ? COUNTERS[name as keyof typeof COUNTERS].help : '';
}
