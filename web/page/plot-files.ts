/**
 * Saving and opening of spectra and plots, here and in JSROOT: the entry of a script of its own,
 * which the page loads at the first use (`plot-file-items.ts`), so that pages open without it.
 * Creates downloads, a dialog and a tab.
 */
import { toUnits, xAxis, yAxis } from '../view/axis.js';
import { spectrumAtMoment } from '../view/moment.js';
import { csvText, jsonText, type ExportedSpectrum } from '../view/plot-export.js';
import { readSpectra } from '../../plotting/files/read-spectra.js';
import { frameSpectrum, savedFrame } from '../view/saved-frame.js';
import { download, fileName } from './plot-download.js';
import type { PlotHandle } from './plot-interface.js';
import { openJsroot } from './jsroot-counts.js';
import { pictureBlob, pictureSvg } from './picture-export.js';
import type { SavedSpectra } from './saved-spectra.js';

export { showSaveDialog } from './save-dialog.js';
export { showTrend } from './plot-trend.js';

export async function savePng(plot: PlotHandle): Promise<void> {
  download(await pictureBlob(plot), `${fileName(plot)}.png`);
}

export function saveSvg(plot: PlotHandle): void {
  download(new Blob([pictureSvg(plot)], { type: 'image/svg+xml' }), `${fileName(plot)}.svg`);
}

export function saveCsv(plot: PlotHandle): void {
  download(new Blob([csvText(exportedSpectra(plot))], { type: 'text/csv' }), `${fileName(plot)}.csv`);
}

export function saveJson(plot: PlotHandle): void {
  const blob = new Blob([jsonText(exportedSpectra(plot))], { type: 'application/json' });
  download(blob, `${fileName(plot)}.json`);
}

/**
 * Opens the spectra of a plot in the document of JSROOT. Counts that the server does not have, of a
 * paused plot, a file or the past, are handed over where the plot has every channel.
 */
export function openInJsroot(plot: PlotHandle): void {
  const { app, frames, saved, momentMs } = plot;
  const { spectra } = plot.spec;
  const isRecorded = (name: string): boolean => spectrumAtMoment(name).atMs !== undefined;
  const ofPage =
    plot.isPaused || momentMs !== undefined || spectra.some((name) => saved.has(name) || isRecorded(name));
  const shown = frames.flatMap(({ name, frame }) => frameSpectrum(frame, name) ?? []);
  openJsroot(app ?? '', spectra, ofPage && shown.length === spectra.length ? shown : undefined);
}

/** The names under which plots show the spectra of files; throws with the file that is wrong. */
export async function readFiles(
  files: ArrayLike<File>,
  saved: SavedSpectra,
): Promise<{ name: string; dimensions: 1 | 2 }[]> {
  const opened: { name: string; dimensions: 1 | 2 }[] = [];
  for (const file of Array.from(files)) {
    for (const spectrum of await spectraIn(file)) {
      const name = `${spectrum.name} (saved)`;
      const { head, values } = savedFrame(spectrum, name);
      opened.push({ name: saved.add(name, { head, values }), dimensions: head.dimensions });
    }
  }
  return opened;
}

async function spectraIn(file: File): Promise<ReturnType<typeof readSpectra>> {
  try {
    return readSpectra(new Uint8Array(await file.arrayBuffer()));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${file.name} cannot be opened: ${reason}`, { cause: error });
  }
}

function exportedSpectra(plot: PlotHandle): ExportedSpectrum[] {
  const { projection } = plot.spec;
  return plot.frames.map(({ name, frame }) => {
    const { info } = frame.head;
    const x = projection === 'y' ? yAxis(info) : xAxis(info);
    const y = yAxis(info);
    return {
      name,
      frame,
      projection,
      xUnits: (channel) => toUnits(x, channel),
      yUnits: (channel) => toUnits(y, channel),
      xFirst: x.inRange[0],
      yFirst: y.inRange[0],
    };
  });
}
