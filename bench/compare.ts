/**
 * `npm run bench -- compare A B`: a table that compares two files of `--json`, case by case. Where
 * both files have a figure of the same peer, the ratio to that peer is compared as well, which a
 * slower or busier machine changes little. Reads the two files.
 */
import { readFileSync } from 'node:fs';
import { formatFigure, type Row } from './report.js';

/** A table of B against A, with the cases that only one file has. */
export function compareFiles(pathA: string, pathB: string): string {
  return compareRows(rowsIn(pathA), rowsIn(pathB));
}

export function compareRows(before: readonly Row[], after: readonly Row[]): string {
  const unmatched = new Map(before.map((row) => [keyOf(row), row]));
  const width = Math.max(20, ...after.map((row) => row.case.length));
  const lines = [
    `${'bench'.padEnd(8)} ${'case'.padEnd(width)} ${'unit'.padEnd(10)}         A         B       B/A  of the ratios to the peer`,
  ];
  for (const row of after) {
    const old = unmatched.get(keyOf(row));
    unmatched.delete(keyOf(row));
    const name = `${row.bench.padEnd(8)} ${row.case.padEnd(width)} ${row.unit.padEnd(10)}`;
    if (old === undefined) {
      lines.push(`${name} ${'-'.padStart(9)} ${formatFigure(row.value).padStart(9)}  only in B`);
      continue;
    }
    const values = [old.value, row.value, row.value / old.value];
    const peer =
      row.ratio === undefined || old.ratio === undefined
        ? ''
        : `  ${formatFigure(row.ratio / old.ratio)} (${formatFigure(old.ratio)} to ${formatFigure(row.ratio)} x ${row.peer ?? ''})`;
    lines.push(`${name} ${values.map((value) => formatFigure(value).padStart(9)).join(' ')}${peer}`);
  }
  for (const row of unmatched.values())
    lines.push(`${row.bench.padEnd(8)} ${row.case.padEnd(width)} only in A`);
  return lines.join('\n');
}

/** Throws for files without rows. */
export function rowsIn(path: string): Row[] {
  const rows: unknown = JSON.parse(readFileSync(path, 'utf8'));
  if (!Array.isArray(rows) || !rows.every(isRow))
    throw new Error(`${path} is not a file of benchmark rows: write one with npm run bench -- --json FILE`);
  return rows;
}

function isRow(value: unknown): value is Row {
  const row = value as Partial<Row> | null;
  return typeof row?.bench === 'string' && typeof row.case === 'string' && typeof row.value === 'number';
}

function keyOf(row: Row): string {
  return JSON.stringify([row.bench, row.case, row.unit, row.peer?.replace(/: not installed$/, '')]);
}
