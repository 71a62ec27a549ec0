/**
 * Reads the spectra of a saved file, whose format its first bytes show. The page calls it for
 * files that the user opens. Pure.
 */
import { readCsv } from './csv.js';
import { readJson } from './json.js';
import { isRadware, readRadware } from './radware.js';
import type { SavedSpectrum } from './saved-spectrum.js';
import { readSwrite } from './swrite.js';

export const FILE_BYTES_MAX = 256 * 2 ** 20;

/** Throws SyntaxError or RangeError with what is wrong in the file. */
export function readSpectra(bytes: Uint8Array): SavedSpectrum[] {
  if (bytes.length > FILE_BYTES_MAX) {
    throw new RangeError(`the file has ${bytes.length} bytes; at most ${FILE_BYTES_MAX} are read`);
  }
  if (isRadware(bytes)) return [readRadware(bytes)];
  const text = new TextDecoder().decode(bytes);
  const begin = text.trimStart().slice(0, 1);
  if (begin === '[' || begin === '{') return readJson(text);
  if (begin === '"') return readSwrite(text);
  if (text.startsWith('channel,')) return readCsv(text);
  throw new SyntaxError('the file is none of swrite ASCII, Radware .spe, CSV and JSON');
}
