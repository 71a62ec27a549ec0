/**
 * Schemas of fits and peak searches: what a caller asks for, in the words of `mirrorflow fit` and
 * `mirrorflow peaks`, and the answer. Part of the contract; pure.
 */
import {
  arrayOf,
  boolean,
  double,
  int,
  mapOf,
  oneOf,
  optional,
  string,
  struct,
  type TypeOf,
} from '../xml-rpc/schema.js';
import { SOURCE_STATE_NAMES } from './shapes.js';

const word = (doc: string) => string({ maxCharacters: 40, doc });
const count = (doc: string) => int({ min: 0, doc });
const range = string({ maxCharacters: 100, doc: 'LOW-HIGH, or LOW..HIGH, in units of the axis' });
const PEAKS_MAX = 12;

export const spectrumName = string({ maxCharacters: 127, doc: 'the name of the spectrum' });

export const fitRequest = struct({
  range,
  model: optional(word('gauss, germanium, emg or none; default gauss')),
  background: optional(word('degree of the polynomial, 0 to 3, or exponential or none; default 1')),
  peaks: optional(int({ min: 1, max: PEAKS_MAX, doc: 'number of peaks' })),
  at: optional(
    arrayOf(double({ doc: 'the place of a peak, roughly, in units of the axis' }), { maxCount: PEAKS_MAX }),
  ),
  widths: optional(oneOf(['common', 'free'])),
  set: optional(
    string({
      maxCharacters: 1_000,
      doc: 'parameters with commas: fwhm=3.1 fixed, centroid=1330..1335 within, tail=~0.1 to start',
    }),
  ),
  intervals: optional(boolean()),
});

export const peakRequest = struct({
  range: optional(range),
  threshold: optional(double({ doc: 'significance of a peak, standard deviations; default 5' })),
  fwhm: optional(double({ doc: 'width of the peaks in units of the axis; default: by the data' })),
});

/** A value in units of the axis, or in counts. */
const fittedParameter = struct({
  value: double(),
  error: optional(double({ doc: 'one standard deviation' })),
  state: oneOf(['fitted', 'fixed', 'at limit', 'undetermined', 'derived']),
  low: optional(double({ doc: 'low end of the interval of 68.3 %' })),
  high: optional(double({ doc: 'high end of the interval of 68.3 %' })),
});

const fittedPeak = struct({
  centroid: fittedParameter,
  fwhm: fittedParameter,
  area: fittedParameter,
  significance: struct({ likelihoodRatio: double(), deviations: double(), pValue: double() }),
  areaUpperLimit: optional(double({ doc: 'with 95 % confidence; of a peak that is not significant' })),
});

/** Which counts were used. */
const spectrumRead = {
  name: spectrumName,
  axis: string({ doc: 'the label of the axis' }),
  sequence: count('the publication'),
  timestampNs: double({ doc: 'time of the publication, nanoseconds since 1970' }),
  state: oneOf(SOURCE_STATE_NAMES),
};

export const fitAnswer = struct({
  ...spectrumRead,
  model: word('the model'),
  background: word('the background'),
  range: struct({ low: double(), high: double() }),
  channels: count('channels of the range'),
  counts: count('counts of the range'),
  converged: boolean(),
  parameters: mapOf(fittedParameter),
  peaks: arrayOf(fittedPeak),
  deviance: double({ doc: 'twice the logarithm of the likelihood ratio to a model that meets every count' }),
  degreesOfFreedom: int(),
  pValue: optional(double()),
  covariance: struct({ names: arrayOf(word('a fitted parameter')), rows: arrayOf(arrayOf(double())) }),
});

export const peaksAnswer = struct({
  ...spectrumRead,
  peaks: arrayOf(
    struct({
      significance: double({ doc: 'of the search, standard deviations' }),
      centroid: fittedParameter,
      fwhm: fittedParameter,
      area: optional(fittedParameter),
    }),
  ),
});

export type FitRequest = TypeOf<typeof fitRequest>;
export type PeakRequest = TypeOf<typeof peakRequest>;
export type FitAnswer = TypeOf<typeof fitAnswer>;
export type PeaksAnswer = TypeOf<typeof peaksAnswer>;
