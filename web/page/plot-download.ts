/**
 * Downloads of one plot as a file: the picture as it is shown, or its numbers. The menu of
 * `plot-bar.ts` calls it. Creates a temporary link in the document.
 */
import { toUnits, xAxis, yAxis } from '../view/axis.js';
import { csvText, jsonText, type ExportedSpectrum } from '../view/plot-export.js';
import { element } from './dom.js';
import type { PlotHandle } from './plot-interface.js';

/** The browser has read the file by then. */
const REVOKE_AFTER_MS = 10_000;
const NAME_CHARACTERS_MAX = 100;

export function downloadPng(plot: PlotHandle): void {
  plot.canvas.toBlob((blob) => {
    if (blob !== null) download(blob, `${fileName(plot)}.png`);
  }, 'image/png');
}

export function downloadCsv(plot: PlotHandle): void {
  download(new Blob([csvText(exportedSpectra(plot))], { type: 'text/csv' }), `${fileName(plot)}.csv`);
}

export function downloadJson(plot: PlotHandle): void {
  const blob = new Blob([jsonText(exportedSpectra(plot))], { type: 'application/json' });
  download(blob, `${fileName(plot)}.json`);
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

/** The names of the spectra, with only characters that every file system allows. */
function fileName(plot: PlotHandle): string {
  const names = plot.spec.spectra.join('+').replace(/[^\w.+-]+/g, '_');
  return names.slice(0, NAME_CHARACTERS_MAX) || 'spectrum';
}

function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS);
}
