/**
 * Answers the requests for fits, peaks and calibrations over HTTP: `/api/fit`, `/api/peaks` and
 * `/api/calibration`. `WebServer` calls it with the address of a request; fits are those of
 * `mirrorflow fit`, so any program gets the numbers of page and console. Reads spectra through the
 * watches of applications.
 */
import { calibrate, type CalibrationPoint } from '../../analysis/calibration/calibrate.js';
import { fitSpectrum } from '../../analysis/fit/fit-spectrum.js';
import { measurePeaks } from '../../analysis/peaks/measure-peaks.js';
import { fitOptionsOf, peakOptionsOf } from '../../analysis/request/spectrum-request.js';
import { unitOf } from '../../plotting/measured.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { isMoment } from '../wire/page-messages.js';
import type { Applications, MaySee } from './applications.js';
import { isUnit } from './calibrations.js';
import { readSpectrum, readSpectrumAt, type ReadSpectrum } from './spectrum-reading.js';

/** The words of a request's address; each at most once. */
export type RequestWords = ReadonlyMap<string, string>;

const FIT_WORDS = ['range', 'model', 'background', 'peaks', 'at', 'widths', 'set', 'intervals'];
const PEAK_WORDS = ['range', 'threshold', 'fwhm'];
const NAME_WORDS = ['app', 'spectrum'];
/** Milliseconds since 1970: the counts of that moment of the recording. */
const MOMENT_WORD = 'moment';

/** The words of an address; throws BAD_OPTION for one that is given twice. */
export function requestWords(url: string): RequestWords {
  const words = new Map<string, string>();
  for (const [word, value] of new URLSearchParams(url.split('?', 2)[1] ?? '')) {
    if (words.has(word)) throw new MirrorflowError('BAD_OPTION', `${word} is given twice`, { word });
    words.set(word, value);
  }
  return words;
}

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
  const watch = applications.watch(app);
  if (watch === undefined) {
    throw new MirrorflowError('LIMIT_REACHED', 'too many applications are watched; retry later', { app });
  }
  return readSpectrum(watch, required(words, 'spectrum'));
}

function about(words: RequestWords, { label, sequence, atMs }: ReadSpectrum): object {
  return { name: words.get('spectrum'), axis: label, unit: unitOf(label), sequence, timestampNs: atMs * 1e6 };
}

/** The value of the word `moment`; throws BAD_OPTION. */
export function momentOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const atMs = Number(text);
  if (isMoment(atMs)) return atMs;
  throw new MirrorflowError(
    'BAD_OPTION',
    `${MOMENT_WORD} is ${JSON.stringify(text)}; it must be whole milliseconds since 1970`,
    { word: MOMENT_WORD },
  );
}

/** Throws UNKNOWN_APPLICATION, also for one that the page may not see. */
export async function checkedApp(applications: Applications, maySee: MaySee, app: string): Promise<string> {
  if (await applications.knows(app, maySee)) return app;
  throw new MirrorflowError('UNKNOWN_APPLICATION', `there is no application ${JSON.stringify(app)}`, { app });
}

export function required(words: RequestWords, word: string): string {
  const value = words.get(word);
  if (value === undefined || value === '') {
    throw new MirrorflowError('BAD_OPTION', `${word} is missing`, { word });
  }
  return value;
}

export function checkWords(words: RequestWords, known: readonly string[]): void {
  for (const word of words.keys()) {
    if (known.includes(word)) continue;
    throw new MirrorflowError('BAD_OPTION', `${word} is unknown; known are ${known.join(', ')}`, { word });
  }
}

/** The members of a body; throws BAD_OPTION naming `what`. */
export function parsedBody(body: string, what: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // Reported below.
  }
  throw new MirrorflowError('BAD_OPTION', `the body of ${what} is a JSON object`);
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
