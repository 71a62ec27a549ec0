/**
 * What a page shows that was opened without a wish: a few of the largest spectra of each kind.
 * Pure.
 */
import type { SpectrumInfo } from '../wire/messages.js';

const EACH_KIND = 2;

/** Names in the order of the list. */
export function suggestedSpectra(spectra: readonly SpectrumInfo[]): string[] {
  const largest = (dimensions: 1 | 2): SpectrumInfo[] =>
    spectra
      .filter((info) => info.dimensions === dimensions)
      .sort((one, other) => other.xchans * other.ychans - one.xchans * one.ychans)
      .slice(0, EACH_KIND);
  const chosen = new Set([...largest(1), ...largest(2)]);
  return spectra.filter((info) => chosen.has(info)).map(({ name }) => name);
}
