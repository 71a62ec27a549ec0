/** What whoever runs a benchmark may choose. */
export interface BenchSettings {
  /** Runs of every case; the median of them is the figure. */
  readonly repeats: number;
  /** The same when it was stated, for benchmarks that have a usual number of their own. */
  readonly statedRepeats: number | undefined;
  /** Milliseconds of one measurement, after it has warmed up. */
  readonly durationMs: number;
  /** All cases instead of those that fit a coffee. */
  readonly full: boolean;
  /** Only cases whose name contains it; undefined is all of them. */
  readonly only: string | undefined;
}

/** Whether a case is wanted. */
export function wanted({ only }: BenchSettings, name: string): boolean {
  return only === undefined || name.includes(only);
}

/** As many as is usual for a row, or fewer when fewer were stated. */
export function repetitions({ statedRepeats }: BenchSettings, usual: number): number {
  return Math.min(usual, statedRepeats ?? usual);
}
