/**
 * The messages between the app server and its fit thread. Types only.
 */
import type { ErrorCode, ErrorFacts } from '../../protocol/base/errors.js';
import type { FitAnswer, FitRequest, PeakRequest, PeaksAnswer } from '../../protocol/rpc/contract/fits.js';

/** Given to the thread as it starts. */
export type FitTask =
  | { readonly kind: 'fit'; readonly from: SpectrumPlace; readonly request: FitRequest }
  | { readonly kind: 'peaks'; readonly from: SpectrumPlace; readonly request: PeakRequest };

export interface SpectrumPlace {
  /** Path of the mirror's flow file. */
  readonly file: string;
  /** Address of the SpecTcl whose REST service has the bins; undefined: none is asked. */
  readonly source: string | undefined;
  /** Name of the spectrum. */
  readonly name: string;
}

/** The thread's one message. */
export type FitOutcome =
  | { readonly answer: FitAnswer | PeaksAnswer }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly facts: ErrorFacts } };
