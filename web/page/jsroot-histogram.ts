/**
 * Draws spectra with JSROOT, whose script the document has loaded before: as TH1 and TH2 with
 * title, axes and counts. `jsroot-page.ts` calls it. Changes only the element that it draws in.
 */
import type { SavedAxis, SavedSpectrum } from '../../plotting/files/saved-spectrum.js';

/** What is used of a histogram of JSROOT; members have ROOT's names. */
interface RootAxis {
  fXmin: number;
  fXmax: number;
  fTitle: string;
  fTitleOffset: number;
}

export interface RootHistogram {
  fName: string;
  fTitle: string;
  fEntries: number;
  fLineColor: number;
  readonly fXaxis: RootAxis;
  readonly fYaxis: RootAxis;
  /** Row by row, with an under- and an overflow bin at both ends of each axis. */
  readonly fArray: Record<number, number>;
}

export interface Jsroot {
  readonly constants: { readonly Latex: { readonly Off: number } };
  readonly settings: { Latex: number; AutoStat: boolean };
  createHistogram(type: 'TH1D' | 'TH2D', xbins: number, ybins?: number): RootHistogram;
  draw(place: string, histogram: RootHistogram, options: string): Promise<unknown>;
  cleanup(place: string): void;
  registerForResize(place: string): void;
}

declare global {
  // The script of JSROOT sets it; undefined when it was not loaded.
  var JSROOT: Jsroot | undefined;
}

/** ROOT's colours of overlaid lines, as its own palette of line colours begins. */
const LINE_COLOURS = [602, 632, 418, 616, 800, 432, 880, 1];

/** Replaces what the element with the id `place` shows; all spectra have the same dimensions. */
export async function drawHistograms(
  place: string,
  spectra: readonly SavedSpectrum[],
  options: string,
): Promise<void> {
  const jsroot = globalThis.JSROOT;
  if (jsroot === undefined) throw new Error('JSROOT was not loaded: reload this page.');
  // Names of spectra are plain texts: `#` and `_` in them are not formulas.
  jsroot.settings.Latex = jsroot.constants.Latex.Off;
  jsroot.cleanup(place);
  for (const [index, spectrum] of spectra.entries()) {
    const histogram = histogramOf(jsroot, spectrum);
    if (spectra.length > 1) histogram.fLineColor = LINE_COLOURS[index % LINE_COLOURS.length] ?? 1;
    if (index === 0) histogram.fTitle = spectra.map(({ name }) => name).join(', ');
    await jsroot.draw(place, histogram, index === 0 ? options : `${options} same`);
  }
  jsroot.registerForResize(place);
}

/** Left of the numbers of the axis, where ROOT's own 1 is on them. */
const Y_TITLE_OFFSET = 1.35;

/** As ROOT has it. `jsroot`: what its script has set. */
export function histogramOf(jsroot: Jsroot, { name, x, y, counts }: SavedSpectrum): RootHistogram {
  const histogram =
    y === undefined
      ? jsroot.createHistogram('TH1D', x.channels)
      : jsroot.createHistogram('TH2D', x.channels, y.channels);
  histogram.fName = name;
  histogram.fTitle = name;
  setAxis(histogram.fXaxis, x);
  histogram.fYaxis.fTitleOffset = Y_TITLE_OFFSET;
  if (y === undefined) histogram.fYaxis.fTitle = 'Counts';
  else setAxis(histogram.fYaxis, y);
  const stride = x.channels + 2;
  const firstRow = y === undefined ? 0 : 1;
  let sum = 0;
  for (let row = 0; row < (y?.channels ?? 1); row += 1) {
    for (let column = 0; column < x.channels; column += 1) {
      const count = counts[row * x.channels + column] ?? 0;
      histogram.fArray[(row + firstRow) * stride + column + 1] = count;
      sum += count;
    }
  }
  histogram.fEntries = sum;
  return histogram;
}

function setAxis(axis: RootAxis, { label, low, high }: SavedAxis): void {
  axis.fXmin = low;
  axis.fXmax = high;
  axis.fTitle = label;
}
