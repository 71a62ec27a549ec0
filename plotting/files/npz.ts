/**
 * Spectra as a file for numpy.load (npz): a zip of arrays, each in the format npy 1.0. Of a
 * spectrum `tof` the counts are the array `tof`, rows of y, and the limits of its channels
 * `tof:x`, of a map also `tof:y`. Called by `spectrum-files.ts`. Pure.
 */
import { ZipWriter } from './zip.js';
import type { SavedAxis, SavedSpectrum } from './saved-spectrum.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]; // \x93NUMPY, version 1.0
/** Magic, the length of the description, and the description itself. */
const HEAD_ALIGNMENT = 64;

/** Throws RangeError for more than a zip can hold, 4 GiB. */
export function* npzPieces(spectra: readonly SavedSpectrum[]): Generator<Uint8Array> {
  const zip = new ZipWriter();
  const taken = new Set<string>();
  const entryOf = (wanted: string): string => {
    let name = wanted;
    for (let copy = 2; taken.has(name); copy += 1) name = `${wanted}-${copy}`;
    taken.add(name);
    return `${name}.npy`;
  };
  for (const { name, x, y, counts, atMs } of spectra) {
    const shape = y === undefined ? [x.channels] : [y.channels, x.channels];
    yield* zip.entry(entryOf(name), arrayOf(counts, shape), atMs);
    yield* zip.entry(entryOf(`${name}:x`), limitsOf(x), atMs);
    if (y !== undefined) yield* zip.entry(entryOf(`${name}:y`), limitsOf(y), atMs);
  }
  yield zip.end();
}

/** The lower limit of each channel, and the upper one of the last. */
function limitsOf({ low, high, channels }: SavedAxis): Uint8Array {
  const limits = Float64Array.from(
    { length: channels + 1 },
    (_, channel) => low + ((high - low) * channel) / channels,
  );
  return npyOf('<f8', 8, limits, [channels + 1]);
}

/** Counts are unsigned integers of 32 bits, other numbers doubles. */
function arrayOf(counts: SavedSpectrum['counts'], shape: readonly number[]): Uint8Array {
  for (let channel = 0; channel < counts.length; channel += 1) {
    const count = counts[channel] ?? 0;
    if (count !== count >>> 0) return npyOf('<f8', 8, counts, shape);
  }
  return npyOf('<u4', 4, counts, shape);
}

function npyOf(
  type: '<f8' | '<u4',
  bytesPerValue: number,
  values: Readonly<ArrayLike<number>>,
  shape: readonly number[],
): Uint8Array {
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const description = `{'descr': '${type}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  const dataAt = Math.ceil((MAGIC.length + 2 + description.length + 1) / HEAD_ALIGNMENT) * HEAD_ALIGNMENT;
  const file = new Uint8Array(dataAt + values.length * bytesPerValue);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  view.setUint16(MAGIC.length, dataAt - MAGIC.length - 2, true);
  const text = `${description.padEnd(dataAt - MAGIC.length - 3)}\n`;
  for (let at = 0; at < text.length; at += 1) file[MAGIC.length + 2 + at] = text.charCodeAt(at);
  for (let index = 0; index < values.length; index += 1) {
    const value = values[index] ?? 0;
    if (type === '<u4') view.setUint32(dataAt + index * 4, value, true);
    else view.setFloat64(dataAt + index * 8, value, true);
  }
  return file;
}
