/**
 * Answers the requests for fits, peaks and calibrations over HTTP: `/api/fit`, `/api/peaks` and
 * `/api/calibration`. `ApiRequests` calls it with the words of a request; fits are those of
 * `mirrorflow fit`, so any program gets the numbers of page and console. Reads spectra through the
 * watches of applications.
 */
import { calibrate, type CalibrationPoint } from '../../analysis/calibration/calibrate.js';
import { fitSpectrum } from '../../analysis/fit/fit-spectrum.js';
import { measurePeaks } from '../../analysis/peaks/measure-peaks.js';
import { fitOptionsOf, peakOptionsOf } from '../../analysis/request/spectrum-request.js';
import { unitOf } from '../../plotting/measured.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Applications, MaySee } from './applications.js';
import { isUnit } from './calibrations.js';
import {
  availableWatch,
  checkedApp,
  checkWords,
  MOMENT_WORD,
  momentOf,
  parsedBody,
  required,
  type RequestWords,
} from './request-words.js';
import { readSpectrum, readSpectrumAt, type ReadSpectrum } from './spectrum-reading.js';

const FIT_WORDS = ['range', 'model', 'background', 'peaks', 'at', 'widths', 'set', 'intervals'];
const PEAK_WORDS = ['range', 'threshold', 'fwhm'];
const NAME_WORDS = ['app', 'spectrum'];

/** An application that the page may not see is answered as one that does not exist. */
export async function answerFit(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
): Promise<object> {
  checkWords(words, [...NAME_WORDS, ...FIT_WORDS, MOMENT_WORD]);
  const text = (word: string): string | undefined => words.get(word);
  const options = fitOptionsOf({
    range: required(words, 'range'),
    model: text('model'),
    background: text('background'),
    peaks: text('peaks'),
    at: text('at'),
    widths: text('widths'),
    set: text('set'),
    intervals: text('intervals') === undefined ? undefined : text('intervals') === 'true',
  });
  const read = await spectrumOf(applications, maySee, words);
  return { ...about(words, read), ...fitSpectrum(read.channels, options) };
}

export async function answerPeaks(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
): Promise<object> {
  checkWords(words, [...NAME_WORDS, ...PEAK_WORDS, MOMENT_WORD]);
  const options = peakOptionsOf({
    range: words.get('range'),
    threshold: words.get('threshold'),
    fwhm: words.get('fwhm'),
  });
  const read = await spectrumOf(applications, maySee, words);
  return { ...about(words, read), peaks: measurePeaks(read.channels, options) };
}

/** The calibration of one spectrum, `null` without one. */
export async function answerCalibration(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
): Promise<object> {
  checkWords(words, NAME_WORDS);
  const app = await checkedApp(applications, maySee, required(words, 'app'));
  return { calibration: applications.calibrations.of(app)[required(words, 'spectrum')] ?? null };
}

/**
 * Calculates a calibration from the points in `body` and keeps it; removes it without points. The
 * body is an object of `app`, `spectrum`, `degree` 1 or 2, `unit`, and `points`, each of them with
 * `position`, `energy` and, if known, `error` of the position.
 */
export async function setCalibration(
  applications: Applications,
  maySee: MaySee,
  body: string,
): Promise<object> {
  const { app, spectrum, degree, unit, points } = parsedBody(body, 'a calibration');
  if (typeof app !== 'string' || typeof spectrum !== 'string' || spectrum.length === 0) {
    throw new MirrorflowError('BAD_OPTION', 'a calibration names its app and spectrum');
  }
  const checked = await checkedApp(applications, maySee, app);
  if (Array.isArray(points) && points.length === 0) {
    applications.calibrations.set(checked, spectrum, undefined);
    return { calibration: null };
  }
  if ((degree !== 1 && degree !== 2) || !isUnit(unit) || !isPointList(points)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'a calibration has degree 1 or 2, a unit of at most 16 characters, and points with position and energy',
    );
  }
  const result = calibrate(points, degree);
  const calibration = { coefficients: result.coefficients, unit };
  applications.calibrations.set(checked, spectrum, calibration);
  return { calibration, ...result };
}

async function spectrumOf(
  applications: Applications,
  maySee: MaySee,
  words: RequestWords,
): Promise<ReadSpectrum> {
  const app = await checkedApp(applications, maySee, required(words, 'app'));
  const atMs = momentOf(words.get(MOMENT_WORD));
  if (atMs !== undefined) return readSpectrumAt(applications.past, app, required(words, 'spectrum'), atMs);
  return readSpectrum(availableWatch(applications, app), required(words, 'spectrum'));
}

function about(words: RequestWords, { label, sequence, atMs }: ReadSpectrum): object {
  return { name: words.get('spectrum'), axis: label, unit: unitOf(label), sequence, timestampNs: atMs * 1e6 };
}

function isPointList(points: unknown): points is readonly CalibrationPoint[] {
  return (
    Array.isArray(points) &&
    points.every((point: unknown) => {
      if (typeof point !== 'object' || point === null) return false;
      const { position, energy, error } = point as Readonly<Record<string, unknown>>;
      return (
        typeof position === 'number' &&
        typeof energy === 'number' &&
        (error === undefined || (typeof error === 'number' && error >= 0))
      );
    })
  );
}
