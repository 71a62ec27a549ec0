/**
 * Fuzz target for files of spectra that a user opens on the page. Run by the fuzzer (see all.ts).
 * Pure.
 */
import assert from 'node:assert/strict';
import type { RandomBits } from '../../../simulator/random.js';
import { readSpectra } from '../../../plotting/files/read-spectra.js';
import { SAVE_FORMATS } from '../../../plotting/files/save-formats.js';
import { CHANNELS_MAX, type SavedSpectrum } from '../../../plotting/files/saved-spectrum.js';
import { fileContent } from '../../../plotting/files/spectrum-files.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import type { FuzzTarget } from '../fuzzer.js';

export const savedFiles: FuzzTarget = {
  name: 'saved-files',
  dictionary: ['"a" (4)', '(-1) -1', '(-1 -1) -1', '(0 4)', '----', ' 3', '1 long', 'channel,x,', '"counts":[', '1e999', '-1', 'NaN', Buffer.of(24, 0, 0, 0)], // prettier-ignore
  generate: (random) => {
    const format = SAVE_FORMATS[random() % SAVE_FORMATS.length] ?? 'swrite';
    const spectra = Array.from({ length: 1 + (random() % 2) }, () => spectrumOf(random, format === 'spe'));
    return Buffer.concat([...fileContent(format, spectra)]);
  },
  run: (input) => {
    let spectra: readonly SavedSpectrum[];
    try {
      spectra = readSpectra(input);
    } catch (error) {
      // What the readers document.
      if (!(error instanceof SyntaxError || error instanceof RangeError)) throw error;
      throw new MirrorflowError('BAD_OPTION', error.message, {}, error);
    }
    for (const { x, y, counts } of spectra) {
      assert.equal(counts.length, x.channels * (y?.channels ?? 1));
      assert(counts.length > 0 && counts.length <= CHANNELS_MAX);
    }
  },
};

function spectrumOf(random: RandomBits, oneDimension: boolean): SavedSpectrum {
  const x = { label: 'e [keV]', low: 0, high: 4, channels: 1 + (random() % 6) };
  const hasY = !oneDimension && random() % 2 === 0;
  const spectrum = {
    name: `s ${random() % 9}`,
    type: '1D long',
    x,
    counts: Array.from({ length: x.channels * (hasY ? 2 : 1) }, () => random() % 3),
    atMs: 0,
  };
  return hasY ? { ...spectrum, y: { label: '', low: -1, high: 1, channels: 2 } } : spectrum;
}
