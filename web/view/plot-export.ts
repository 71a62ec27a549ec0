/** The numbers of a plot as CSV and JSON. Pure. */
import type { Frame } from '../wire/frame.js';

export interface ExportedSpectrum {
  readonly name: string;
  readonly frame: Frame;
  readonly projection: 'x' | 'y' | undefined;
  /** From a stored channel, or a place between two, to the units of the axis. */
  readonly xUnits: (channel: number) => number;
  readonly yUnits: (channel: number) => number;
  /** The stored channel that is channel 0 of the axis. */
  readonly xFirst: number;
  readonly yFirst: number;
}

/**
 * One line for each channel of 1-D, for each channel with counts of 2-D; the middle of the channel
 * in units.
 */
export function csvText(all: readonly ExportedSpectrum[]): string {
  const first = all[0];
  if (first === undefined) return '';
  return first.frame.head.dimensions === 2 ? mapCsv(first) : flatCsv(first, all);
}

function flatCsv({ frame, xUnits, xFirst }: ExportedSpectrum, all: readonly ExportedSpectrum[]): string {
  const { x, xgroup, columns } = frame.head;
  const lines = [['channel', 'x', ...all.map(({ name }) => name)].map(quoted).join(',')];
  for (let column = 0; column < columns; column += 1) {
    const channel = x[0] + column * xgroup;
    const counts = all.map(({ frame }) => frame.values[column] ?? '');
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
      const [cx, cy] = [x[0] + column * xgroup, y[0] + row * ygroup];
      const units = [round(xUnits(cx + xgroup / 2)), round(yUnits(cy + ygroup / 2))];
      lines.push([cx - xFirst, cy - yFirst, ...units, count].join(','));
    }
  }
  return `${lines.join('\n')}\n`;
}

export function jsonText(all: readonly ExportedSpectrum[]): string {
  const spectra = all.map(({ name, frame, projection, xFirst, yFirst }) => {
    const { head, values } = frame;
    const { info, x, y, xgroup, ygroup, columns, rows, sum, rateS, spanS, atMs, region } = head;
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
              firstChannel: y[0] - yFirst,
              channelsPerValue: ygroup,
            },
          }),
      sum,
      ...(region === undefined ? {} : { region }),
      columns,
      rows,
      counts: Array.from(values),
    };
  });
  return `${JSON.stringify(spectra.length === 1 ? spectra[0] : spectra)}\n`;
}

function quoted(text: string): string {
  // A spreadsheet takes what begins with one of these for a formula.
  const plain = /^[=+\-@]/.test(text) ? `'${text}` : text;
  return /[",\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function round(value: number): number {
  return Number(value.toPrecision(9));
}
