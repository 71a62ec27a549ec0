/**
 * Radware's spectrum file (`.spe`): one spectrum of one dimension, without its axis. Called by
 * `spectrum-files.ts` and `read-spectra.ts`. Pure. Fortran unformatted records, little-endian, each
 * between two words with its length:
 *
 *      0  i32 24
 *      4  char[8] name, filled with spaces
 *     12  i32 n, the number of channels, then 1, 1, 1
 *     28  i32 24
 *     32  i32 4n
 *     36  f32 counts, n of them
 *         i32 4n
 */
import type { SavedSpectrum } from './saved-spectrum.js';

export const RADWARE_CHANNELS_MAX = 16_384;
const NAME_AT = 4;
const NAME_CHARACTERS = 8;
const HEAD_BYTES = 24;
const COUNTS_AT = 36;
const LENGTH_BYTES = 4;

/** Why a spectrum cannot be written; undefined where it can. */
export function whyNotRadware({ name, x, y }: SavedSpectrum): string | undefined {
  if (y !== undefined) return `${name} has two dimensions; a .spe file holds spectra of one`;
  if (x.channels <= RADWARE_CHANNELS_MAX) return undefined;
  return `${name} has ${x.channels} channels; a .spe file holds at most ${RADWARE_CHANNELS_MAX}`;
}

/** Throws RangeError where `whyNotRadware` has a reason. */
export function radwareBytes(spectrum: SavedSpectrum): Uint8Array {
  const reason = whyNotRadware(spectrum);
  if (reason !== undefined) throw new RangeError(reason);
  const { name, x, counts } = spectrum;
  const countBytes = x.channels * 4;
  const bytes = new Uint8Array(COUNTS_AT + countBytes + LENGTH_BYTES);
  const view = new DataView(bytes.buffer);
  const ascii = name.replace(/[^\u0020-\u007e]/g, '_').padEnd(NAME_CHARACTERS);
  for (let at = 0; at < NAME_CHARACTERS; at += 1) bytes[NAME_AT + at] = ascii.charCodeAt(at);
  view.setInt32(0, HEAD_BYTES, true);
  [x.channels, 1, 1, 1, HEAD_BYTES, countBytes].forEach((value, index) =>
    view.setInt32(NAME_AT + NAME_CHARACTERS + index * 4, value, true),
  );
  for (let channel = 0; channel < x.channels; channel += 1) {
    view.setFloat32(COUNTS_AT + channel * 4, counts[channel] ?? 0, true);
  }
  view.setInt32(COUNTS_AT + countBytes, countBytes, true);
  return bytes;
}

export function isRadware(bytes: Uint8Array): boolean {
  if (bytes.length < COUNTS_AT) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view.getInt32(0, true) === HEAD_BYTES && view.getInt32(NAME_AT + HEAD_BYTES, true) === HEAD_BYTES;
}

/** Channels are the units, since the file has no others. Throws RangeError for invalid bytes. */
export function readRadware(bytes: Uint8Array): SavedSpectrum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const channels = isRadware(bytes) ? view.getInt32(NAME_AT + NAME_CHARACTERS, true) : 0;
  const expected = COUNTS_AT + channels * 4 + LENGTH_BYTES;
  if (channels < 1 || channels > RADWARE_CHANNELS_MAX || bytes.length < expected) {
    throw new RangeError(
      `a .spe file of ${bytes.length} bytes with ${channels} channels; it may have 1 to ${RADWARE_CHANNELS_MAX}, 4 bytes each`,
    );
  }
  const name = String.fromCharCode(...bytes.subarray(NAME_AT, NAME_AT + NAME_CHARACTERS)).trimEnd();
  const counts = Float64Array.from({ length: channels }, (_, channel) =>
    view.getFloat32(COUNTS_AT + channel * 4, true),
  );
  return { name, type: '1D long', x: { label: '', low: 0, high: channels, channels }, counts, atMs: 0 };
}
