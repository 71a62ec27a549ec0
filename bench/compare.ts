/**
 * `compare A B`: two files of figures, case by case. Where a peer was measured, what counts is the
 * ratio to it, which a slower or busier machine changes little.
 */
import { readFileSync } from 'node:fs';
import { figure, type Row } from './report.js';

/**
 * A table of B against A; cases that only one of them has are named. Throws for files that hold no
 * figures.
 */
export function compareFiles(pathA: string, pathB: string): string {
  return compareRows(rowsIn(pathA), rowsIn(pathB));
}

export function compareRows(before: readonly Row[], after: readonly Row[]): string {
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const width = Math.max(20, ...after.map((row) => row.case.length));
  const lines = [
    `${'bench'.padEnd(8)} ${'case'.padEnd(width)} ${'unit'.padEnd(10)}         A         B       B/A  of the ratios to the peer`,
  ];
  for (const row of after) {
    const old = known.get(keyOf(row));
    known.delete(keyOf(row));
    const name = `${row.bench.padEnd(8)} ${row.case.padEnd(width)} ${row.unit.padEnd(10)}`;
    if (old === undefined) {
      lines.push(`${name} ${'-'.padStart(9)} ${figure(row.value).padStart(9)}  only in B`);
      continue;
    }
    const values = [old.value, row.value, row.value / old.value];
    const peer =
      row.ratio === undefined || old.ratio === undefined
        ? ''
        : `  ${figure(row.ratio / old.ratio)} (${figure(old.ratio)} to ${figure(row.ratio)} x ${row.peer ?? ''})`;
    lines.push(`${name} ${values.map((value) => figure(value).padStart(9)).join(' ')}${peer}`);
  }
  for (const row of known.values()) lines.push(`${row.bench.padEnd(8)} ${row.case.padEnd(width)} only in A`);
  return lines.join('\n');
}

function rowsIn(path: string): Row[] {
  const rows: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(rows) || !rows.every(isRow)) throw new Error(`${path} holds no figures of a benchmark`);
  return rows;
}

function isRow(value: unknown): value is Row {
  const row = value as Partial<Row> | null;
  return typeof row?.bench === 'string' && typeof row.case === 'string' && typeof row.value === 'number';
}

function keyOf(row: Row): string {
  return JSON.stringify([row.bench, row.case, row.unit, row.peer?.replace(/: not installed$/, '')]);
}
