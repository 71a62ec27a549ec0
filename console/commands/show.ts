/**
 * `mirrorflow show`: plots one spectrum in the terminal, or prints its counts, once or live.
 *
 * Opens the application's mirror, a read-only map of SpecTcl's display memory, and starts it if it
 * does not run.
 */
import type { SpecTclSpectrum } from '../../protocol/spectcl/rest-shapes.js';
import type { Client, Mirror } from '../../client-lib/index.js';
import { APP_OPTION, command, SPECTRUM_NAME, type CommandContext } from '../command.js';
import { interruptible } from '../interruption.js';
import { withSpectrum } from '../mirrored-spectrum.js';
import { numberValue } from '../option-values.js';
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import { withClient } from '../servers.js';

const INTERVAL_MS = { min: 20, max: 3_600_000 };
const EXTENT = { min: 1, max: 1000 };
/** The shell writes its next prompt below a plot. */
const PROMPT_ROWS = 2;
const PLOT_ROWS_MAX = 30;

interface ShowOptions {
  readonly name: string;
  readonly scale: ScaleName | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** What is plotted, and from where. */
interface Shown {
  readonly mirror: Mirror;
  readonly options: ShowOptions;
  readonly described: SpecTclSpectrum | undefined;
}

export const showCommand = command({
  name: 'show',
  summary: 'plot a spectrum in the terminal, once or live',
  positionals: { name: SPECTRUM_NAME },
  options: {
    app: APP_OPTION,
    watch: { type: 'boolean', describe: 'update the plot until q or Ctrl-C' },
    scale: {
      type: 'string',
      choices: SCALE_NAMES,
      describe: 'scale of the counts; default: linear for one dimension, log for two',
    },
    range: { type: 'string', describe: 'LOW-HIGH, the part of the x axis to show, in its units' },
    width: { type: 'string', describe: "columns of the plot; default: the terminal's" },
    height: { type: 'string', describe: "rows of the plot; default: the terminal's, at most 30 unless live" },
    interval: {
      type: 'string',
      default: '200',
      describe: 'milliseconds between updates of the plot, with --watch',
    },
  },
  examples: [
    ['show ge.00.Co-60 --watch', 'live, until q or Ctrl-C'],
    ['show ge.00.Co-60 --range 1100-1400 --scale log', 'part of the axis'],
    ['show ge.00.Co-60 --json', 'all counts, for a program'],
  ],
  async run(context, values) {
    const options: ShowOptions = {
      name: values.name,
      scale: values.scale,
      range: values.range === undefined ? undefined : await shownRange(values.range),
      width: values.width === undefined ? undefined : numberValue('width', values.width, EXTENT),
      height: values.height === undefined ? undefined : numberValue('height', values.height, EXTENT),
    };
    const intervalMs = numberValue('interval', values.interval, INTERVAL_MS);
    const use = async (client: Client): Promise<void> => {
      const mirror = await interruptible(context.signal, client.mirror());
      // An unknown name is an error, with --watch too.
      withSpectrum(mirror, options.name, () => undefined);
      const shown: Shown = { mirror, options, described: await describedBy(client, options.name) };
      if (values.watch !== true) return printOnce(context, shown);
      const { streamUpdates, watchUpdates } = await import('../mirror-updates.js');
      return context.output.json
        ? streamUpdates(context, mirror, intervalMs, () => asRecord(mirror, options.name))
        : watchUpdates(context, mirror, intervalMs, (size) => picture(context, shown, size));
    };
    await withClient(context, values.app, use, { live: values.watch });
  },
});

/** Undefined without an answer of SpecTcl: then all channels count as in range. */
async function describedBy(client: Client, name: string): Promise<SpecTclSpectrum | undefined> {
  const { describedSpectra } = await import('../../protocol/spectcl/axis-bins.js');
  const { source } = await client.appInfo();
  return (await describedSpectra(source)).find((spectrum) => spectrum.name === name);
}

async function printOnce(context: CommandContext, shown: Shown): Promise<void> {
  const { output } = context;
  const { mirror, options } = shown;
  if (output.json) return output.value(await asRecord(mirror, options.name));
  const { width, height } = output.size;
  output.lines(
    await picture(context, shown, { width, height: Math.min(height - PROMPT_ROWS, PLOT_ROWS_MAX) }),
  );
}

async function shownRange(text: string): Promise<readonly [number, number]> {
  const { rangeOf } = await import('../../analysis/request/spectrum-request.js');
  const { low, high } = rangeOf('--range', text);
  return [low, high];
}

async function picture(
  context: CommandContext,
  { mirror, options, described }: Shown,
  size: { readonly width: number; readonly height: number },
): Promise<string[]> {
  const { plotSpectrum } = await import('../spectrum-plot.js');
  const { scale, range } = options;
  return withSpectrum(mirror, options.name, (spectrum) =>
    plotSpectrum(spectrum, {
      ...context.output.abilities,
      scale,
      range,
      width: options.width ?? size.width,
      height: options.height ?? size.height,
      stale: mirror.state !== 'live',
      described,
    }),
  );
}

async function asRecord(mirror: Mirror, name: string) {
  const { spectrumRecord } = await import('../spectrum-record.js');
  return {
    ...withSpectrum(mirror, name, (spectrum, { sequence, timestampNs }) => ({
      ...spectrumRecord(spectrum),
      sequence,
      timestampNs,
      counts: Array.from(spectrum.counts),
    })),
    state: mirror.state,
  };
}
