/** The counters of a flow as people read them: value, rate between two looks, meaning. Pure. */
import { ratesBetween as ratesOfCounters } from '../protocol/base/rates.js';
import { COUNTERS, LEVELS } from '../protocol/flow/flow-file/counters.js';
import { formatByteRate, formatBytes, formatCount, formatDuration, formatRate } from './render/numbers.js';

export type Counters = Readonly<Record<string, number>>;

export interface CounterRow {
  readonly name: string;
  readonly value: string;
  /** Empty at the first look, and for what is no ever-growing count. */
  readonly rate: string;
  readonly help: string;
}

export interface Look {
  readonly atMs: number;
  readonly counters: Counters;
}

const RATE_SUFFIX = 'PerSecond';

export function counterRows(look: Look, before: Look | undefined): CounterRow[] {
  const rates = ratesBetween(look, before);
  return Object.entries(countersOf(look)).map(([name, value]) => ({
    name,
    value: shownValue(name, value),
    rate: shownRate(name, Object.hasOwn(rates, name) ? rates[name] : undefined),
    help: helpOf(name),
  }));
}

/** Without the rates that the server sends among them. */
export function countersOf({ counters }: Look): Counters {
  return Object.fromEntries(Object.entries(counters).filter(([name]) => !name.endsWith(RATE_SUFFIX)));
}

/**
 * Per second, of each counter that did not go back; from the server where there was no look before.
 */
export function ratesBetween(look: Look, before: Look | undefined): Record<string, number> {
  const measured = before === undefined ? {} : ratesOfCounters(before, look);
  const rates: Record<string, number> = {};
  for (const name of Object.keys(countersOf(look))) {
    if (LEVELS.has(name)) continue;
    const isMeasured =
      before !== undefined && look.atMs > before.atMs && Object.hasOwn(before.counters, name);
    const rate = isMeasured ? measured[name] : look.counters[`${name}${RATE_SUFFIX}`];
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
  // Nanoseconds per second are a share of the time.
  return name.endsWith('Ns') ? `${(rate / 1e7).toFixed(1)} %` : formatRate(rate);
}

function helpOf(name: string): string {
  return Object.hasOwn(COUNTERS, name) ? COUNTERS[name as keyof typeof COUNTERS].help : '';
}
