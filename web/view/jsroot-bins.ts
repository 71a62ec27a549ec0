/**
 * Bins of a spectrum for a 3-D picture of JSROOT: channels are summed where there are more than the
 * picture can show and the browser can draw. The document of JSROOT calls it. Pure.
 */
import type { SavedAxis, SavedSpectrum } from '../../plotting/files/saved-spectrum.js';

/** A spectrum of which each value is the sum of some channels. */
export interface BinnedSpectrum {
  readonly spectrum: SavedSpectrum;
  /** Channels of one bin. */
  readonly xgroup: number;
  readonly ygroup: number;
}

/**
 * Sums channels into at most `binsMax` bins on each axis; the last may reach beyond the last
 * channel.
 */
export function binned(spectrum: SavedSpectrum, binsMax: number): BinnedSpectrum {
  const { x, y, counts } = spectrum;
  const rows = y?.channels ?? 1;
  const [xgroup, ygroup] = [Math.ceil(x.channels / binsMax), Math.ceil(rows / binsMax)];
  if (xgroup === 1 && ygroup === 1) return { spectrum, xgroup, ygroup };
  const xbinned = binnedAxis(x, xgroup);
  const sums = new Float64Array(xbinned.channels * Math.ceil(rows / ygroup));
  for (let row = 0; row < rows; row += 1) {
    const start = Math.floor(row / ygroup) * xbinned.channels;
    for (let column = 0; column < x.channels; column += 1) {
      const bin = start + Math.floor(column / xgroup);
      sums[bin] = (sums[bin] ?? 0) + (counts[row * x.channels + column] ?? 0);
    }
  }
  const ybinned = y === undefined ? {} : { y: binnedAxis(y, ygroup) };
  return { spectrum: { ...spectrum, x: xbinned, ...ybinned, counts: sums }, xgroup, ygroup };
}

function binnedAxis({ label, low, high, channels }: SavedAxis, group: number): SavedAxis {
  const bins = Math.ceil(channels / group);
  return { label, low, high: low + ((high - low) / channels) * group * bins, channels: bins };
}
