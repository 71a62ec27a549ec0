/** What a benchmark says: rows of medians with their spread, beside a peer measured in the same run where there is one. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** One figure. `ratio` is value / peerValue. */
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
  readonly values: readonly number[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  if (sorted.length === 0) return Number.NaN;
  return sorted.length % 2 === 1
    ? (sorted[Math.floor(middle)] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
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
  const peerValue = median(peer.values);
  return { ...base, peer: peer.name, peerValue, ratio: value / peerValue };
}

/** The machine and the commit that figures belong to. */
export function circumstances(): Record<string, string | number> {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
  };
}

export function showRows(rows: readonly Row[]): string {
  const lines = rows.map((one) => {
    const peer =
      one.peer === undefined
        ? ''
        : `  ${figure(one.ratio ?? 0)} x ${one.peer} (${figure(one.peerValue ?? 0)})`;
    const spread = `[${figure(one.spread[0])} .. ${figure(one.spread[1])}]`;
    return `${one.bench.padEnd(8)} ${one.case.padEnd(52)} ${figure(one.value).padStart(9)} ${one.unit.padEnd(10)} ${spread.padEnd(22)}${peer}`;
  });
  return lines.join('\n');
}

function figure(value: number): string {
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
