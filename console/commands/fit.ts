/**
 * `mirrorflow fit`: fits peaks and background to a part of a spectrum, once or live.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run; asks SpecTcl's REST service for the bins of the axis.
 */
import type { FitOptions } from '../../analysis/fit/fit-options.js';
import type { Mirror } from '../../client-lib/index.js';
import { APP_OPTION, command, SPECTRUM_NAME, type CommandContext } from '../command.js';
import { interruptible } from '../interruption.js';
import { numberValue } from '../option-values.js';
import { withClient } from '../servers.js';

const INTERVAL_MS = { min: 20, max: 3_600_000 };

interface FitRequest {
  readonly name: string;
  readonly options: FitOptions;
  /** Bins of the axis by REST. */
  readonly bins: number | undefined;
}

export const fitCommand = command({
  name: 'fit',
  summary: 'fit peaks and background to a part of a spectrum, with errors',
  positionals: { name: SPECTRUM_NAME },
  options: {
    app: APP_OPTION,
    range: {
      type: 'string',
      demandOption: true,
      describe: 'LOW-HIGH, the part to fit, in units of the axis (-5..5 where a limit is negative)',
    },
    model: {
      type: 'string',
      describe: 'gauss, germanium (tail and step), emg (alpha) or none; default gauss',
    },
    background: {
      type: 'string',
      describe: 'degree of the polynomial, 0 to 3, or exponential or none; default 1, a straight line',
    },
    peaks: { type: 'string', describe: 'number of peaks; default 1' },
    at: { type: 'string', describe: 'places of the peaks, roughly, with commas; default: found by the fit' },
    widths: { type: 'string', describe: 'common or free, for several peaks; default common' },
    set: {
      type: 'string',
      describe: 'parameters with commas: fwhm=3.1 fixed, centroid=1330..1335 within, tail=~0.1 to start',
    },
    intervals: {
      type: 'boolean',
      describe: 'compute the interval of each parameter by the likelihood, which holds for few counts',
    },
    watch: { type: 'boolean', describe: 'fit each update until q or Ctrl-C' },
    interval: { type: 'string', default: '500', describe: 'milliseconds between fits, with --watch' },
  },
  examples: [
    ['fit ge.00.Co-60 --range 1310-1355', 'a Gauss on a straight background'],
    ['fit ge.00.Co-60 --range 1310-1355 --model germanium --watch', 'live'],
    ['fit ge.03.Th-228 --range 230-250 --peaks 2 --json', 'a doublet, for a program'],
  ],
  async run(context, values) {
    const { fitOptionsOf } = await import('../../analysis/request/spectrum-request.js');
    const { name, app, range, model, background, peaks, at, widths, set, intervals, watch } = values;
    const options = fitOptionsOf({ range, model, background, peaks, at, widths, set, intervals });
    const intervalMs = numberValue('interval', values.interval, INTERVAL_MS);
    await withClient(
      context,
      app,
      async (client) => {
        const { axisBins } = await import('../spectrum-channels.js');
        const mirror = await interruptible(context.signal, client.mirror());
        const request = { name, options, bins: await interruptible(context.signal, axisBins(client, name)) };
        // What cannot be fitted is an error, with --watch too.
        const first = await fitRecord(mirror, request);
        if (watch !== true) return printOnce(context, first);
        const { streamUpdates, watchUpdates } = await import('../mirror-updates.js');
        const next = () => fitRecord(mirror, request);
        return context.output.json
          ? streamUpdates(context, mirror, intervalMs, next)
          : watchUpdates(context, mirror, intervalMs, async () => linesOf(await next()));
      },
      { live: watch },
    );
  },
});

async function fitRecord(mirror: Mirror, { name, options, bins }: FitRequest) {
  const { readChannels } = await import('../spectrum-channels.js');
  const { fitSpectrum } = await import('../../analysis/fit/fit-spectrum.js');
  const { channels, label, sequence, timestampNs } = readChannels(mirror, name, bins);
  const result = fitSpectrum(channels, options);
  const { unitOf } = await import('../../plotting/measured.js');
  return { name, axis: label, unit: unitOf(label), ...result, sequence, timestampNs, state: mirror.state };
}

type FitRecord = Awaited<ReturnType<typeof fitRecord>>;

async function printOnce({ output }: CommandContext, record: FitRecord): Promise<void> {
  if (output.json) return output.value(record);
  output.lines(await linesOf(record));
  if (record.state !== 'live') {
    output.note(`the source is ${record.state}: this is a fit of the last data received`);
  }
}

async function linesOf(record: FitRecord): Promise<string[]> {
  const { fitLines } = await import('../render/fit-lines.js');
  return fitLines(record.name, record.unit, record);
}
