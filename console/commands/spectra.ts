/**
 * `mirrorflow spectra`: lists the spectra of an application with axes, sums and overflows.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run.
 */
import { APP_OPTION, command } from '../command.js';
import { globMatcher, literalGlob } from '../../protocol/spectcl/glob.js';
import type { Output } from '../output.js';
import { withClient } from '../servers.js';
import { spectrumRecord, type SpectrumRecord } from '../spectrum-record.js';

export const spectraCommand = command({
  name: 'spectra',
  summary: 'list the spectra of an application; starts mirroring where needed',
  positionals: {
    pattern: {
      type: 'string',
      describe:
        'list only names that match, as in Tcl: * any text, ? one character, [a-z] one of these, \\[ a bracket',
      completes: 'spectrum',
    },
  },
  options: { app: APP_OPTION },
  examples: [
    ['spectra', 'all, in the order of their slots'],
    ["spectra 'ge.*' --json", 'an array of name, slot, type, channels, axes, sum, over- and underflows'],
  ],
  async run(context, { pattern, app }) {
    const isWanted = pattern === undefined ? () => true : globMatcher(pattern);
    const { output } = context;
    const { spectra, state } = await withClient(context, app, async (client) => {
      const mirror = await client.mirror();
      return {
        spectra: mirror.read((view) =>
          view
            .list()
            .filter(({ name }) => isWanted(name))
            .map(spectrumRecord),
        ),
        state: mirror.state,
      };
    });
    if (state !== 'live') output.note(`the source is ${state}: these are the last data received`);
    if (output.json) output.value(spectra);
    else output.lines(spectrumTable(output, spectra, pattern));
  },
});

function spectrumTable(output: Output, spectra: readonly SpectrumRecord[], pattern?: string): string[] {
  return output.tableLines(
    [
      { header: 'name' },
      { header: 'slot', align: 'right' },
      { header: 'type' },
      { header: 'channels', align: 'right' },
      { header: 'x axis' },
      { header: 'y axis', align: 'left' },
      { header: 'sum' },
      { header: 'over', align: 'right' },
      { header: 'under', align: 'right' },
    ],
    spectra.map((spectrum) => [
      spectrum.name,
      String(spectrum.slot),
      spectrum.type,
      is2d(spectrum) ? `${spectrum.xchans} x ${spectrum.ychans}` : String(spectrum.xchans),
      axis(spectrum.xmin, spectrum.xmax, spectrum.xlabel),
      is2d(spectrum) ? axis(spectrum.ymin, spectrum.ymax, spectrum.ylabel) : undefined,
      spectrum.sum,
      beyond(spectrum, spectrum.overflows),
      beyond(spectrum, spectrum.underflows),
    ]),
    noSpectra(pattern),
  );
}

function noSpectra(pattern: string | undefined): string {
  if (pattern === undefined) return 'No spectra.';
  const hint = pattern.includes('[') ? ` The name itself is written '${literalGlob(pattern)}'.` : '';
  return `No spectra are named like ${pattern}.${hint}`;
}

function is2d({ type }: SpectrumRecord): boolean {
  return type.startsWith('2D');
}

function axis(low: number, high: number, label: string): string {
  return `${rounded(low)} .. ${rounded(high)} ${label}`;
}

/** Seven digits: SpecTcl stores limits in single precision. */
function rounded(limit: number): string {
  return Number.isFinite(limit) ? String(Number(limit.toPrecision(7))) : '?';
}

function beyond(spectrum: SpectrumRecord, [x, y]: readonly [number, number]): string {
  return is2d(spectrum) ? `${x}, ${y}` : String(x);
}
