/** `mirrorflow show`: one spectrum as a picture or as numbers, once or live. */
import type { Client, Mirror, Spectrum } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { interruptible } from '../interruption.js';
import { numberValue, rangeValue } from '../option-values.js';
import { SCALE_NAMES, type ScaleName } from '../../plotting/scale.js';
import { withClient } from '../servers.js';
import { closest } from '../suggest.js';

const INTERVAL_MS = { min: 20, max: 3_600_000 };
const EXTENT = { min: 1, max: 1000 };
const NAMES_SHOWN = 10;
/** The shell writes its next prompt below a plot. */
const PROMPT_ROWS = 2;
const PLOT_ROWS_MAX = 30;

interface Wishes {
  readonly name: string;
  readonly scale: ScaleName | undefined;
  readonly range: readonly [number, number] | undefined;
  readonly width: number | undefined;
  readonly height: number | undefined;
}

export const showCommand = command({
  name: 'show',
  summary: 'plots a spectrum in the terminal, once or live',
  positionals: {
    name: {
      type: 'string',
      describe: 'name of the spectrum',
      demandOption: true,
      completes: 'spectrum',
    },
  },
  options: {
    app: APP_OPTION,
    watch: { type: 'boolean', describe: 'go on with every update, until q or Ctrl-C' },
    scale: {
      type: 'string',
      choices: SCALE_NAMES,
      describe: 'of the counts; default: linear for one dimension, log for two',
    },
    range: { type: 'string', describe: 'LOW:HIGH, part of the x axis in its units' },
    width: { type: 'string', describe: "columns of the plot; default: the terminal's" },
    height: { type: 'string', describe: "rows of the plot; default: the terminal's, at most 30 unless live" },
    interval: { type: 'string', default: '200', describe: 'milliseconds between looks, with --watch' },
  },
  examples: [
    ['show ge.00.Co-60 --watch', 'live, until q or Ctrl-C'],
    ['show ge.00.Co-60 --range 1100:1400 --scale log', 'a part of the axis'],
    ['show ge.00.Co-60 --json', 'all counts, for a program'],
  ],
  async run(context, given) {
    const wishes: Wishes = {
      name: given.name,
      scale: given.scale,
      range: given.range === undefined ? undefined : rangeValue('range', given.range),
      width: given.width === undefined ? undefined : numberValue('width', given.width, EXTENT),
      height: given.height === undefined ? undefined : numberValue('height', given.height, EXTENT),
    };
    const intervalMs = numberValue('interval', given.interval, INTERVAL_MS);
    const use = async (client: Client): Promise<void> => {
      const mirror = await interruptible(context.signal, client.mirror());
      // Also for --watch: a name that is not there is an error and no picture.
      withSpectrum(mirror, wishes.name, () => undefined);
      if (given.watch !== true) return once(context, mirror, wishes);
      return context.output.json
        ? stream(context, mirror, wishes, intervalMs)
        : live(context, mirror, wishes, intervalMs);
    };
    await withClient(context, given.app, use, { live: given.watch });
  },
});

async function once(context: CommandContext, mirror: Mirror, wishes: Wishes): Promise<void> {
  const { output } = context;
  if (output.json) return output.value(await asRecord(mirror, wishes.name));
  const { width, height } = output.size;
  output.lines(
    await picture(context, mirror, wishes, { width, height: Math.min(height - PROMPT_ROWS, PLOT_ROWS_MAX) }),
  );
}

async function live(
  context: CommandContext,
  mirror: Mirror,
  wishes: Wishes,
  intervalMs: number,
): Promise<void> {
  const { watch } = await import('../watch.js');
  let shown = '';
  await watch(context, {
    intervalMs,
    changed: () => versionOf(mirror) !== shown,
    paint: (size) => {
      shown = versionOf(mirror);
      return picture(context, mirror, wishes, size);
    },
  });
}

async function stream(
  context: CommandContext,
  mirror: Mirror,
  wishes: Wishes,
  intervalMs: number,
): Promise<void> {
  const { everyInterval } = await import('../watch.js');
  let shown = '';
  await everyInterval(context, intervalMs, async () => {
    const version = versionOf(mirror);
    if (version === shown) return;
    shown = version;
    context.output.value(await asRecord(mirror, wishes.name));
  });
}

/** Another one whenever there is something new to see. */
function versionOf(mirror: Mirror): string {
  return `${mirror.published} ${mirror.state}`;
}

async function picture(
  context: CommandContext,
  mirror: Mirror,
  wishes: Wishes,
  size: { readonly width: number; readonly height: number },
): Promise<string[]> {
  const { plotSpectrum } = await import('../spectrum-plot.js');
  const { scale, range } = wishes;
  return withSpectrum(mirror, wishes.name, (spectrum) =>
    plotSpectrum(spectrum, {
      ...context.output.abilities,
      scale,
      range,
      width: wishes.width ?? size.width,
      height: wishes.height ?? size.height,
      stale: mirror.state !== 'live',
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

/**
 * Runs `use` over the spectrum in one publication. Throws UNKNOWN_SPECTRUM with names that are
 * there.
 */
function withSpectrum<T>(
  mirror: Mirror,
  name: string,
  use: (spectrum: Spectrum, meta: { readonly sequence: number; readonly timestampNs: number }) => T,
): T {
  const found = mirror.read((view, meta) => {
    const spectrum = view.find(name);
    if (spectrum === undefined) return { names: view.list().map((there) => there.name) };
    return { result: use(spectrum, meta) };
  });
  if (found.names === undefined) return found.result;
  const { names } = found;
  const meant = closest(name, names);
  const more = names.length > NAMES_SHOWN ? ` and ${names.length - NAMES_SHOWN} more` : '';
  const there =
    names.length === 0 ? 'there are none' : `there are ${names.slice(0, NAMES_SHOWN).join(', ')}${more}`;
  throw new MirrorflowError('UNKNOWN_SPECTRUM', `there is no spectrum ${JSON.stringify(name)}; ${there}`, {
    name,
    ...(meant === undefined ? {} : { hint: `did you mean ${meant}?` }),
  });
}
