/**
 * The files that spectra are saved as: their names and contents. `mirrorflow save` and the
 * web server call it with spectra of one publication. Pure.
 */
import { csvPieces } from './csv.js';
import { jsonOf } from './json.js';
import { npzPieces } from './npz.js';
import { radwareBytes, whyNotRadware } from './radware.js';
import { FORMAT_FACTS, type SaveFormat } from './save-formats.js';
import type { SavedSpectrum } from './saved-spectrum.js';
import { swriteText } from './swrite.js';

const NAME_CHARACTERS_MAX = 80;

/** Why the format cannot hold the spectrum; undefined where it can. */
export function whyNotSaved(format: SaveFormat, spectrum: SavedSpectrum): string | undefined {
  return format === 'spe' ? whyNotRadware(spectrum) : undefined;
}

/** The content of one file, in pieces. Of formats that hold one spectrum the first is written. */
export function* fileContent(format: SaveFormat, spectra: readonly SavedSpectrum[]): Generator<Uint8Array> {
  if (format === 'spe') {
    if (spectra[0] !== undefined) yield radwareBytes(spectra[0]);
    return;
  }
  if (format === 'npz') return yield* npzPieces(spectra);
  const encoder = new TextEncoder();
  for (const text of textOf(format, spectra)) yield encoder.encode(text);
}

function* textOf(
  format: Exclude<SaveFormat, 'spe' | 'npz'>,
  spectra: readonly SavedSpectrum[],
): Generator<string> {
  switch (format) {
    case 'swrite':
      for (const spectrum of spectra) yield* swriteText(spectrum);
      return;
    case 'csv':
      if (spectra[0] !== undefined) yield* csvPieces(spectra[0]);
      return;
    case 'json': {
      const [first] = spectra;
      if (spectra.length === 1 && first !== undefined) return yield `${jsonOf(first)}\n`;
      for (const [index, spectrum] of spectra.entries())
        yield `${index === 0 ? '[' : ',\n'}${jsonOf(spectrum)}`;
      return yield spectra.length === 0 ? '[]\n' : ']\n';
    }
    default:
      return format satisfies never;
  }
}

/** One name of a file for each spectrum, all different, of characters that every system allows. */
export function fileNames(format: SaveFormat, spectra: readonly { readonly name: string }[]): string[] {
  const { extension } = FORMAT_FACTS[format];
  const taken = new Set<string>();
  return spectra.map(({ name }) => {
    const plain = plainName(name);
    let file = `${plain}.${extension}`;
    for (let copy = 2; taken.has(file.toLowerCase()); copy += 1) file = `${plain}-${copy}.${extension}`;
    taken.add(file.toLowerCase());
    return file;
  });
}

export function plainName(name: string): string {
  const plain = name.replace(/[^\w.+-]+/g, '_').replace(/^\.+/, '_');
  return plain.slice(0, NAME_CHARACTERS_MAX) || 'spectrum';
}
