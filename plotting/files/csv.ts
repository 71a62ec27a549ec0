/**
 * Spectra as CSV: a line per channel with the middle of the channel in units, or, of two
 * dimensions, a line per channel that is not 0. Called by `spectrum-files.ts` and
 * `read-spectra.ts`. Pure.
 */
import { checkedChannels, type SavedSpectrum } from './saved-spectrum.js';

const LINES_PER_PIECE = 4_096;
const DIGITS = 9;
const HISTOGRAM_HEADER = 'channel,x';

export function* csvPieces(spectrum: SavedSpectrum): Generator<string> {
  const { name, x, y, counts } = spectrum;
  const lines = [y === undefined ? `${HISTOGRAM_HEADER},${quoted(name)}` : 'xchannel,ychannel,x,y,counts'];
  const xMiddle = middles(x);
  const yMiddle = middles(y ?? x);
  for (let channel = 0; channel < counts.length; channel += 1) {
    const count = counts[channel] ?? 0;
    const column = channel % x.channels;
    const row = (channel - column) / x.channels;
    if (y === undefined) lines.push(`${column},${xMiddle(column)},${count}`);
    else if (count !== 0) lines.push(`${column},${row},${xMiddle(column)},${yMiddle(row)},${count}`);
    if (lines.length < LINES_PER_PIECE) continue;
    yield `${lines.join('\n')}\n`;
    lines.length = 0;
  }
  if (lines.length > 0) yield `${lines.join('\n')}\n`;
}

/**
 * Spectra of one dimension, one per column behind the first two. Throws SyntaxError or RangeError
 * with the line that is wrong.
 */
export function readCsv(text: string): SavedSpectrum[] {
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line !== '');
  const [first, second, ...names] = fieldsOf(header);
  if (`${first},${second}` !== HISTOGRAM_HEADER || names.length === 0) {
    throw new SyntaxError(
      `line 1: expected ${HISTOGRAM_HEADER} and names of spectra, found ${JSON.stringify(header.slice(0, 60))}; maps are read from swrite and JSON`,
    );
  }
  const channels = checkedChannels(names[0] ?? '', lines.length);
  const places = new Float64Array(channels);
  const columns = names.map(() => new Float64Array(channels));
  lines.forEach((line, channel) => {
    const values = line.split(',').map(Number);
    if (values.length !== names.length + 2 || !values.every((value) => Number.isFinite(value))) {
      throw new SyntaxError(
        `line ${channel + 2}: expected ${names.length + 2} numbers, found ${JSON.stringify(line.slice(0, 60))}`,
      );
    }
    places[channel] = values[1] ?? 0;
    columns.forEach((counts, index) => (counts[channel] = values[index + 2] ?? 0));
  });
  const [begin = 0, end = 0] = [places[0], places[channels - 1]];
  const width = channels > 1 ? (end - begin) / (channels - 1) : 1;
  const x = { label: '', low: begin - width / 2, high: end + width / 2, channels };
  return names.map((name, index) => ({
    name,
    type: '1D long',
    x,
    counts: columns[index] ?? new Float64Array(channels),
    atMs: 0,
  }));
}

function middles({ low, high, channels }: SavedSpectrum['x']): (channel: number) => number {
  const width = (high - low) / channels;
  return (channel) => Number((low + (channel + 0.5) * width).toPrecision(DIGITS));
}

/** Quotes a text where CSV needs it; no spreadsheet reads it as a formula. */
export function quoted(text: string): string {
  const plain = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function fieldsOf(line: string): string[] {
  const fields = [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,"]*))/g)];
  return fields.map(([, inQuotes, bare = '']) => inQuotes?.replaceAll('""', '"') ?? bare);
}
