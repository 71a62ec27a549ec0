/** Records as a table: each column knows what it shows of a record. */
import type { Output } from './output.js';
import type { TableCell, TableColumn } from './render/table.js';

export interface RecordColumn<T> extends TableColumn {
  readonly cell: (record: T) => TableCell;
  /**
   * Whether the cell says something. Left out on a terminal where no record's does; in a pipe
   * columns are always the same.
   */
  readonly matters?: (record: T) => boolean;
}

export function recordTable<T>(
  output: Output,
  columns: readonly RecordColumn<T>[],
  records: readonly T[],
  empty: string,
): string[] {
  const shown = columns.filter(
    ({ matters }) =>
      matters === undefined || output.columns === undefined || records.some((record) => matters(record)),
  );
  return output.tableLines(
    shown,
    records.map((record) => shown.map(({ cell }) => cell(record))),
    empty,
  );
}

/** A process id: a name, which has no thousands. */
export function pidCell(pid: number | undefined): string | undefined {
  return pid === undefined || pid === 0 ? undefined : String(pid);
}
