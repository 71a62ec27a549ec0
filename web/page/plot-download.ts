/**
 * Files that the browser saves: their names and the download itself. `plot-files.ts` calls it.
 * Creates a temporary link in the document.
 */
import { element } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

/** The browser has read the file by then. */
const REVOKE_AFTER_MS = 10_000;
const NAME_CHARACTERS_MAX = 100;

/** The names of the spectra, with only characters that every file system allows. */
export function fileName(plot: PlotHandle): string {
  const names = plot.spec.spectra.join('+').replace(/[^\w.+-]+/g, '_');
  return names.slice(0, NAME_CHARACTERS_MAX) || 'spectrum';
}

export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}
