/**
 * Prints records as a table whose columns are functions of a record.
 *
 * The listing commands (`apps`, `flows`, `hosts`) define their columns with it. Formatting only.
 */
import type { Output } from './output.js';
import type { TableCell, TableColumn } from './render/table.js';

export interface RecordColumn<T> extends TableColumn {
  readonly cell: (record: T) => TableCell;
  /**
   * Whether the cell of a record is worth showing. A terminal omits a column in which no cell is;
   * in a pipe the columns never change.
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

/** A process id as text: digits without grouping. Undefined for an unknown one. */
export function pidCell(pid: number | undefined): string | undefined {
  return pid === undefined || pid === 0 ? undefined : String(pid);
}
