/**
 * The numbers of a plot as CSV and JSON text. `plot-download.ts` of the page saves them as files. A
 * frame is the message with the counts of one view of a spectrum. Pure.
 */
import { quoted } from '../../plotting/files/csv.js';
import type { Frame } from '../wire/frame.js';

export interface ExportedSpectrum {
  readonly name: string;
  readonly frame: Frame;
  /** The axis that a map is projected onto. */
  readonly projection: 'x' | 'y' | undefined;
  /** Convert a stored channel, which may be fractional, to the units of the axis. */
  readonly xUnits: (channel: number) => number;
  readonly yUnits: (channel: number) => number;
  /** The stored channel that is channel 0 of the axis. */
  readonly xFirst: number;
  readonly yFirst: number;
}

/**
 * One line per channel of 1-D spectra, per channel with counts of a 2-D spectrum; `x` and `y` are
 * the middle of the channel in units. The first spectrum decides.
 */
export function csvText(spectra: readonly ExportedSpectrum[]): string {
  const first = spectra[0];
  if (first === undefined) return '';
  return first.frame.head.dimensions === 2 ? mapCsv(first) : histogramCsv(first, spectra);
}

function histogramCsv(
  { frame, xUnits, xFirst }: ExportedSpectrum,
  spectra: readonly ExportedSpectrum[],
): string {
  const { x, xgroup, columns } = frame.head;
  const lines = [['channel', 'x', ...spectra.map(({ name }) => name)].map(quoted).join(',')];
  for (let column = 0; column < columns; column += 1) {
    const channel = x[0] + column * xgroup;
    const counts = spectra.map(({ frame }) => frame.values[column] ?? '');
    lines.push([channel - xFirst, round(xUnits(channel + xgroup / 2)), ...counts].join(','));
  }
  return `${lines.join('\n')}\n`;
}

function mapCsv({ frame, xUnits, yUnits, xFirst, yFirst }: ExportedSpectrum): string {
  const { x, y, xgroup, ygroup, columns, rows } = frame.head;
  const lines = ['xchannel,ychannel,x,y,counts'];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const count = frame.values[row * columns + column] ?? 0;
      if (count === 0) continue;
      const [xChannel, yChannel] = [x[0] + column * xgroup, y[0] + row * ygroup];
      const units = [round(xUnits(xChannel + xgroup / 2)), round(yUnits(yChannel + ygroup / 2))];
      lines.push([xChannel - xFirst, yChannel - yFirst, ...units, count].join(','));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** One object, or an array of objects for several spectra. */
export function jsonText(exported: readonly ExportedSpectrum[]): string {
  const spectra = exported.map(({ name, frame, projection, xUnits, yUnits, xFirst, yFirst }) => {
    const { head, values } = frame;
    const { info, x, y, xgroup, ygroup, columns, rows, sum, rateS, spanS, atMs, regions } = head;
    return {
      name,
      type: info.type,
      ...(projection === undefined ? {} : { projection }),
      ...(rateS === undefined ? {} : { cameInDuringSeconds: spanS }),
      time: new Date(atMs).toISOString(),
      x: {
        label: info.xlabel,
        min: info.xmin,
        max: info.xmax,
        low: round(xUnits(x[0])),
        high: round(xUnits(x[0] + columns * xgroup)),
        firstChannel: x[0] - xFirst,
        channelsPerValue: xgroup,
      },
      ...(head.dimensions === 1
        ? {}
        : {
            y: {
              label: info.ylabel,
              min: info.ymin,
              max: info.ymax,
              low: round(yUnits(y[0])),
              high: round(yUnits(y[0] + rows * ygroup)),
              firstChannel: y[0] - yFirst,
              channelsPerValue: ygroup,
            },
          }),
      sum,
      ...(regions === undefined ? {} : { regions }),
      columns,
      rows,
      counts: Array.from(values),
    };
  });
  return `${JSON.stringify(spectra.length === 1 ? spectra[0] : spectra)}\n`;
}

/** To nine significant digits. */
function round(value: number): number {
  return Number(value.toPrecision(9));
}
