/**
 * The messages between the web server and its recording thread, which reads the recordings of
 * applications. Types only.
 */
import type { ErrorCode, ErrorFacts } from '../../../protocol/base/errors.js';
import type { SpecTclGate, SpecTclSpectrum } from '../../../protocol/spectcl/rest-shapes.js';
import type { Timeline } from '../../wire/recording.js';
import type { Region } from '../../wire/subscription.js';

/** The recordings of one application. */
export interface RecordedApp {
  readonly app: string;
  /** Absolute paths of MCAP files; those of other applications are left out. */
  readonly paths: readonly string[];
}

/** Times are milliseconds since 1970. */
export interface TrendRequest {
  readonly spectrum: string;
  /** Stored channels; undefined for all channels, under- and overflow left out where known. */
  readonly region: Region | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  /** Number of sums, evenly over the time. */
  readonly points: number;
}

export interface PastTasks {
  timeline: { readonly of: RecordedApp };
  moment: { readonly of: RecordedApp; readonly atMs: number };
  trend: { readonly of: RecordedApp; readonly trend: TrendRequest };
}

export interface PastAnswers {
  timeline: Timeline;
  moment: ReadMoment;
  trend: ReadTrend;
}

export type PastTaskKind = keyof PastTasks;

/** The newest recorded publication at or before a moment. */
export interface ReadMoment {
  readonly memory: Uint8Array<ArrayBuffer>;
  readonly sequence: number;
  readonly dataMs: number;
  readonly spectra: readonly SpecTclSpectrum[];
  readonly gates: readonly SpecTclGate[];
}

export interface ReadTrend {
  /** The sum at the end of each step; null where the spectrum was not recorded. */
  readonly sums: readonly (number | null)[];
}

export type PastRequest = { readonly id: number } & (
  | { [Kind in PastTaskKind]: { readonly kind: Kind } & PastTasks[Kind] }[PastTaskKind]
  | { readonly kind: 'cancel' }
);

export type PastOutcome = { readonly id: number } & (
  | { readonly answer: PastAnswers[PastTaskKind] }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly facts: ErrorFacts } }
);
