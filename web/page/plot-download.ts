/** A plot as a file: the picture as it is shown, or the numbers that are shown. */
import { toUnits, xAxis, yAxis } from '../view/axis.js';
import { csvText, jsonText, type ExportedSpectrum } from '../view/plot-export.js';
import { element } from './dom.js';
import type { Plot } from './plot.js';

export function downloadPng(plot: Plot): void {
  plot.canvas.toBlob((blob) => {
    if (blob !== null) save(blob, `${nameOf(plot)}.png`);
  }, 'image/png');
}

export function downloadCsv(plot: Plot): void {
  save(new Blob([csvText(exported(plot))], { type: 'text/csv' }), `${nameOf(plot)}.csv`);
}

export function downloadJson(plot: Plot): void {
  save(new Blob([jsonText(exported(plot))], { type: 'application/json' }), `${nameOf(plot)}.json`);
}

function exported(plot: Plot): ExportedSpectrum[] {
  const { projection } = plot.spec;
  return plot.frames.map(({ name, frame }) => {
    const { info } = frame.head;
    const x = projection === 'y' ? yAxis(info) : xAxis(info);
    return {
      name,
      frame,
      projection,
      xUnits: (channel) => toUnits(x, channel),
      yUnits: (channel) => toUnits(yAxis(info), channel),
      xFirst: x.inRange[0],
      yFirst: yAxis(info).inRange[0],
    };
  });
}

function nameOf(plot: Plot): string {
  return (
    plot.spec.spectra
      .join('+')
      .replace(/[^\w.+-]+/g, '_')
      .slice(0, 100) || 'spectrum'
  );
}

function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = element('a', { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
