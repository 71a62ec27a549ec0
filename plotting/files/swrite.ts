/**
 * SpecTcl's ASCII spectrum file, as `swrite` writes and `sread` reads it, format level 3. Several
 * spectra may follow each other. Called by `spectrum-files.ts` and `read-spectra.ts`. Pure, but for
 * the time zone of the date.
 *
 *     "name" (xchans[ ychans])
 *     Mon Nov 30 12:38:39 2026
 *      3
 *     1 long
 *     ("parameter"[ "parameter"])
 *     (low high)[ (low high)]
 *     --------------------------------------------
 *     (x[ y]) value                  each channel that is not 0
 *     (-1[ -1]) -1
 */
import { checkedChannels, type SavedAxis, type SavedSpectrum } from './saved-spectrum.js';

const LINE = '--------------------------------------------';
const LEVEL = 3;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
/** Lines of one piece of text, so that no piece of a large map is huge. */
const LINES_PER_PIECE = 4_096;

/** In pieces, to be written one after the other. */
export function* swriteText(spectrum: SavedSpectrum): Generator<string> {
  const { name, type, x, y, counts, atMs } = spectrum;
  const axes = y === undefined ? [x] : [x, y];
  const [dimensions = '', dataType = 'long'] = type.split(' ');
  const lines = [
    `"${plain(name)}" (${axes.map(({ channels }) => channels).join(' ')})`,
    asctime(new Date(atMs)),
    ` ${LEVEL}`,
    `${dimensions.replace(/\D/g, '') || axes.length} ${dataType}`,
    `(${axes.map(({ label }) => `"${plain(label).replaceAll('"', "'")}"`).join(' ')})`,
    axes.map(({ low, high }) => `(${low} ${high})`).join(' '),
    LINE,
  ];
  for (let channel = 0; channel < counts.length; channel += 1) {
    const count = counts[channel] ?? 0;
    if (count === 0) continue;
    const column = channel % x.channels;
    const place = y === undefined ? String(column) : `${column} ${(channel - column) / x.channels}`;
    lines.push(`(${place}) ${count}`);
    if (lines.length < LINES_PER_PIECE) continue;
    yield `${lines.join('\n')}\n`;
    lines.length = 0;
  }
  lines.push(y === undefined ? '(-1) -1' : '(-1 -1) -1');
  yield `${lines.join('\n')}\n`;
}

/** Throws SyntaxError or RangeError with the line that is wrong. */
export function readSwrite(text: string): SavedSpectrum[] {
  const lines = new Lines(text);
  const spectra: SavedSpectrum[] = [];
  while (!lines.atEnd) spectra.push(readSpectrum(lines));
  return spectra;
}

function readSpectrum(lines: Lines): SavedSpectrum {
  const [, name = '', first = '', second] = lines.match(
    /^"(.*)"\s*\((\d+)(?:\s+(\d+))?\s*\)$/,
    'a name with channels',
  );
  const date = Date.parse(lines.next());
  lines.match(/^\d+$/, 'a format level');
  const [, dataType = ''] = lines.match(/^\S+\s+(\S+)$/, 'a type of spectrum and channel');
  const [labels = ''] = lines.match(/^\(.*\)$/, 'the parameters');
  const limits = lines.match(/^\(.*\)$/, 'the limits of the axes')[0] ?? '';
  lines.match(/^-+$/, 'a line of dashes');
  const parameters = [...labels.matchAll(/"([^"]*)"/g)].map(([, label = '']) => label);
  const pairs = [...limits.matchAll(/\(\s*(\S+)\s+(\S+?)\s*\)/g)];
  const axis = (index: number, channels: number): SavedAxis => {
    const [low, high] = [Number(pairs[index]?.[1]), Number(pairs[index]?.[2])];
    if (!Number.isFinite(low) || !Number.isFinite(high)) throw lines.error('the limits of the axes');
    return { label: parameters[index] ?? '', low, high, channels };
  };
  const xchans = Number(first);
  const ychans = second === undefined ? undefined : Number(second);
  const counts = new Float64Array(checkedChannels(name, xchans, ychans));
  readCounts(lines, counts, xchans, ychans);
  return {
    name,
    type: `${ychans === undefined ? 1 : 2}D ${dataType}`,
    x: axis(0, xchans),
    ...(ychans === undefined ? {} : { y: axis(1, ychans) }),
    counts,
    atMs: Number.isNaN(date) ? 0 : date,
  };
}

function readCounts(lines: Lines, counts: Float64Array, xchans: number, ychans: number | undefined): void {
  for (;;) {
    const [, x = '', y, count] = lines.match(
      /^\(\s*(-?\d+)(?:\s+(-?\d+))?\s*\)\s+(-?[\d.eE+-]+)$/,
      'a channel with its counts',
    );
    if (x === '-1') return;
    const [column, row] = [Number(x), Number(y ?? 0)];
    const isInside = column >= 0 && column < xchans && row >= 0 && row < (ychans ?? 1);
    if (!isInside || (y === undefined) !== (ychans === undefined))
      throw lines.error('a channel of the spectrum');
    counts[row * xchans + column] = Number(count);
  }
}

/** The lines that are not empty, one after the other. */
class Lines {
  readonly #lines: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split('\n');
    this.#skipEmpty();
  }

  get atEnd(): boolean {
    return this.#at >= this.#lines.length;
  }

  next(): string {
    const line = (this.#lines[this.#at] ?? '').trim();
    this.#at += 1;
    this.#skipEmpty();
    return line;
  }

  match(pattern: RegExp, what: string): RegExpMatchArray {
    const line = (this.#lines[this.#at] ?? '').trim();
    const match = pattern.exec(line);
    if (match === null) throw this.error(what);
    this.next();
    return match;
  }

  error(what: string): SyntaxError {
    const line = (this.#lines[this.#at] ?? 'the end of the file').trim().slice(0, 60);
    return new SyntaxError(`line ${this.#at + 1}: expected ${what}, found ${JSON.stringify(line)}`);
  }

  #skipEmpty(): void {
    while (!this.atEnd && (this.#lines[this.#at] ?? '').trim() === '') this.#at += 1;
  }
}

/** A line break in a name would end its line. */
function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f]/g, '_');
}

/** As asctime(3) writes a local time. */
function asctime(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  const day = String(date.getDate()).padStart(2, ' ');
  return `${DAYS[date.getDay()]} ${MONTHS[date.getMonth()]} ${day} ${time} ${date.getFullYear()}`;
}
