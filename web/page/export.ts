/** A plot as a file: the picture as it is shown, or the numbers that are shown. */
import { toUnits, xAxis, yAxis } from '../view/axis.js';
import { exportedCsv, exportedJson, type Exported } from '../view/exported.js';
import { element } from './dom.js';
import type { Plot } from './plot.js';

export function exportPng(plot: Plot): void {
  plot.canvas.toBlob((blob) => {
    if (blob !== null) save(blob, `${nameOf(plot)}.png`);
  }, 'image/png');
}

export function exportCsv(plot: Plot): void {
  save(new Blob([exportedCsv(exported(plot))], { type: 'text/csv' }), `${nameOf(plot)}.csv`);
}

export function exportJson(plot: Plot): void {
  save(new Blob([exportedJson(exported(plot))], { type: 'application/json' }), `${nameOf(plot)}.json`);
}

function exported(plot: Plot): Exported[] {
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
      xFirst: x.inside[0],
      yFirst: yAxis(info).inside[0],
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
