/**
 * The rows of a benchmark: medians with their spread, beside the peers (other transports, or bare
 * versions of the same work) that were measured in the same run, and their table. Benchmarks make
 * the rows; `main.ts` prints and saves them; chaos reports use the run environment. Reads the
 * machine's description and the git commit.
 */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** One figure, compared with at most one peer. `ratio` is value / peerValue. */
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
  /** Figures of the repetitions; empty when the peer is not installed here. */
  readonly values: readonly number[];
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The quantile at `share`, 0 to 1, interpolated between two values; NaN without values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** The row of a case from the values of its repetitions. */
export function makeRow(
  bench: string,
  name: string,
  unit: string,
  values: readonly number[],
  peer?: Peer,
): Row {
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

/**
 * One row per peer, with the same figure in each; one row without a ratio when there is no peer.
 */
export function makeRowPerPeer(
  bench: string,
  name: string,
  unit: string,
  values: readonly number[],
  peers: readonly Peer[],
): Row[] {
  return peers.length === 0
    ? [makeRow(bench, name, unit, values)]
    : peers.map((peer) => makeRow(bench, name, unit, values, peer));
}

/** Time, commit and machine of a run. */
export interface RunEnvironment {
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
}

export function runEnvironment(): RunEnvironment {
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  return {
    date: new Date().toISOString(),
    commit: commit(),
    machine: `${cpu}, ${cpus().length} cores, ${memoryGiB} GiB, Node ${process.version}`,
  };
}

/** A text table. Rows of one case must follow each other; their figure is shown once. */
export function formatTable(rows: readonly Row[]): string {
  const width = Math.max(20, ...rows.map((row) => row.case.length));
  let previous = '';
  const lines = rows.map((row) => {
    const name = `${row.bench.padEnd(8)} ${row.case.padEnd(width)}`;
    const spread = `[${formatFigure(row.spread[0])} .. ${formatFigure(row.spread[1])}]`;
    const value = `${formatFigure(row.value).padStart(9)} ${row.unit.padEnd(10)} ${spread.padEnd(20)}`;
    const shown = `${name} ${value}`;
    const repeated = shown === previous;
    previous = shown;
    return `${repeated ? ' '.repeat(shown.length) : shown}${peerColumn(row)}`.trimEnd();
  });
  return lines.join('\n');
}

function peerColumn({ peer, peerValue, ratio }: Row): string {
  if (peer === undefined) return '';
  if (peerValue === undefined || ratio === undefined) return ` ${peer}`;
  return ` ${formatFigure(ratio)} x ${peer} (${formatFigure(peerValue)})`;
}

export function formatFigure(value: number): string {
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
