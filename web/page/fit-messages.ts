/**
 * The messages between a page and its worker for fits. Types only.
 */
import type { Channels } from '../../analysis/channels.js';
import type { FitOptions } from '../../analysis/fit/fit-options.js';
import type { FitCurves, FitResult } from '../../analysis/fit/fit-spectrum.js';

export interface FitQuestion {
  /** Names the fit; one answer per question. */
  readonly key: string;
  readonly channels: Channels;
  readonly options: FitOptions;
}

export type FitAnswer =
  | { readonly key: string; readonly result: FitResult; readonly curves: FitCurves }
  | { readonly key: string; readonly error: string };
