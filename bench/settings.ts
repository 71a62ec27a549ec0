/**
 * The settings of a benchmark run, as given on the command line of `npm run bench`. Parsed by
 * `main.ts`, used by every benchmark. Pure.
 */
import type { PeerPrograms } from './peer-programs.js';
import type { BenchRun } from './run.js';

export interface BenchSettings {
  /** Measures the cases: shows, keeps and continues them. */
  readonly run: BenchRun;
  /** Repetitions of every case; the figure is their median. */
  readonly repeats: number;
  /** `repeats` as given by the user, for benchmarks with a default of their own. */
  readonly requestedRepeats: number | undefined;
  /** Milliseconds of one measurement, after its warm-up. */
  readonly durationMs: number;
  /** All cases instead of a selection that takes a few minutes. */
  readonly full: boolean;
  /** Measure only cases whose name contains this text; undefined selects all. */
  readonly only: string | undefined;
  /** `only` is the whole name of a case. */
  readonly exact?: boolean;
  /** A `node_modules` folder with other libraries to compare with; undefined for none. */
  readonly peers: string | undefined;
  /** Programs of other projects to compare with. */
  readonly programs: PeerPrograms;
}

export function isSelected({ only, exact }: BenchSettings, name: string): boolean {
  return only === undefined || (exact === true ? name === only : name.includes(only));
}

/** The default number of repetitions of a row, or the requested number when that is smaller. */
export function repetitionCount({ requestedRepeats }: BenchSettings, defaultCount: number): number {
  return Math.min(defaultCount, requestedRepeats ?? defaultCount);
}
