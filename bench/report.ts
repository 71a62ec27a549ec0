/**
 * What a benchmark says: rows of medians with their spread, beside the peers that were measured in
 * the same run.
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** One figure, beside one peer if there is any. `ratio` is value / peerValue. */
export interface Row {
  readonly bench: string;
  readonly case: string;
  readonly value: number;
  readonly unit: string;
  /** Smallest and largest of the repetitions. */
  readonly spread: readonly [number, number];
  readonly peer?: string;
  readonly peerValue?: number;
  readonly ratio?: number;
}

export interface Peer {
  readonly name: string;
  /** None: it could not be measured here. */
  readonly values: readonly number[];
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** `share` 0 to 1; between two values, what lies between them. NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** The row of a case from its repetitions. */
export function row(bench: string, name: string, unit: string, values: readonly number[], peer?: Peer): Row {
  const value = median(values);
  const base = {
    bench,
    case: name,
    value,
    unit,
    spread: [Math.min(...values), Math.max(...values)] as const,
  };
  if (peer === undefined) return base;
  if (peer.values.length === 0) return { ...base, peer: `${peer.name}: not installed` };
  const peerValue = median(peer.values);
  return { ...base, peer: peer.name, peerValue, ratio: value / peerValue };
}

/** One row per peer, the figure the same in all of them. */
export function rowsOf(
  bench: string,
  name: string,
  unit: string,
  values: readonly number[],
  peers: readonly Peer[],
): Row[] {
  return peers.length === 0
    ? [row(bench, name, unit, values)]
    : peers.map((peer) => row(bench, name, unit, values, peer));
}

/** The machine and the commit that figures belong to. */
export interface Circumstances {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
}

export function circumstances(): Circumstances {
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  return {
    date: new Date().toISOString(),
    commit: commit(),
    machine: `${cpu}, ${cpus().length} cores, ${memoryGiB} GiB, Node ${process.version}`,
  };
}

/** A table for people. Rows of one case follow each other; its figure is shown once. */
export function showRows(rows: readonly Row[]): string {
  const width = Math.max(20, ...rows.map((one) => one.case.length));
  let before = '';
  const lines = rows.map((one) => {
    const name = `${one.bench.padEnd(8)} ${one.case.padEnd(width)}`;
    const spread = `[${figure(one.spread[0])} .. ${figure(one.spread[1])}]`;
    const value = `${figure(one.value).padStart(9)} ${one.unit.padEnd(10)} ${spread.padEnd(20)}`;
    const shown = `${name} ${value}`;
    const repeated = shown === before;
    before = shown;
    return `${repeated ? ' '.repeat(shown.length) : shown}${beside(one)}`.trimEnd();
  });
  return lines.join('\n');
}

function beside({ peer, peerValue, ratio }: Row): string {
  if (peer === undefined) return '';
  if (peerValue === undefined || ratio === undefined) return ` ${peer}`;
  return ` ${figure(ratio)} x ${peer} (${figure(peerValue)})`;
}

export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return 'unknown';
  }
}
