/**
 * `mirrorflow record`: records flows and the mirror of an application into MCAP files.
 *
 * Runs until Ctrl-C, SIGTERM or the end of `--for`; reads flows as a consumer and writes files into
 * one directory.
 */
import { resolve } from 'node:path';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { APP_OPTION, command } from '../command.js';
import { durationOrBytesValue, durationValue } from '../option-values.js';
import { withClient } from '../servers.js';

const DAY_MS = 86_400_000;
const YEARS_MS = 3_660 * DAY_MS;
const MIB = 2 ** 20;

export const recordCommand = command({
  name: 'record',
  summary: 'record flows and mirrors into files that many programs read',
  positionals: {
    flows: {
      type: 'string',
      array: true,
      describe: 'names of the flows; spectra is the mirror of the SpecTcl',
      demandOption: true,
      completes: 'flow',
    },
  },
  options: {
    app: APP_OPTION,
    output: {
      type: 'string',
      alias: 'o',
      default: '.',
      describe: 'the directory of the files',
      completes: 'file',
    },
    every: {
      type: 'string',
      default: '5s',
      describe: 'from one recorded publication of a mirror to the next; 0: every one',
    },
    for: { type: 'string', describe: 'stop after this time, such as 8h' },
    rotate: { type: 'string', describe: 'begin a new file at this size or age, such as 1GiB or 1h' },
    keep: {
      type: 'string',
      describe: 'remove the oldest files of the application beyond this age or size, such as 7d or 50GiB',
    },
    compress: {
      type: 'string',
      default: 'none',
      choices: ['none', 'zstd'],
      describe: 'compress the chunks; zstd needs Node 22.15, also for reading',
    },
    hold: {
      type: 'boolean',
      describe: 'slow a provider down rather than lose a buffer when the disk is slower than the flow',
    },
    lossy: { type: 'boolean', describe: 'lose buffers rather than wait for this process at all' },
  },
  examples: [
    ['record spectra --every 5s --rotate 1h -o /data/recordings', 'the spectra, one file an hour'],
    ['record events scalers --for 8h', 'two flows for one shift'],
  ],
  epilogue:
    'Flows that do not exist yet are waited for. A full disk ends the recording with exit code 1, never the flow; what was recorded stays readable. See docs/recording.md.',
  async run(context, values) {
    const times = { min: 1_000, max: YEARS_MS };
    const sizes = { min: MIB, max: Number.MAX_SAFE_INTEGER };
    if (values.hold === true && values.lossy === true)
      throw new MirrorflowError('BAD_OPTION', '--hold and --lossy exclude each other: give one of them');
    const either = (option: 'rotate' | 'keep') => {
      const text = values[option];
      return text === undefined ? {} : durationOrBytesValue(option, text, { ms: times, bytes: sizes });
    };
    const { ms: rotateMs, bytes: rotateBytes } = either('rotate');
    const { ms: keepMs, bytes: keepBytes } = either('keep');
    const options = {
      flows: [...new Set(values.flows.map((flow) => checkName('flow', flow)))],
      directory: resolve(values.output),
      everyMs: durationValue('every', values.every, { min: 0, max: DAY_MS }),
      forMs:
        values.for === undefined ? undefined : durationValue('for', values.for, { min: 1, max: YEARS_MS }),
      rotateMs,
      rotateBytes,
      keepMs,
      keepBytes,
      compress: values.compress,
      hold: values.hold === true,
      lossy: values.lossy === true,
    };
    const { output, signal } = context;
    const { record } = await import('../../recorder/record/record.js');
    await withClient(
      context,
      values.app,
      async (client) => {
        const { paths, flows } = await record(
          client,
          options,
          signal,
          (text) => output.note(text),
          (state) => output.note(`recording ${options.flows.join(', ')} into ${state.paths.join(', ')}`),
        );
        if (output.json) return output.value({ paths, flows });
        for (const { flow, buffers, bytes, lost } of flows)
          output.lines([`${flow}: ${buffers} recorded, ${bytes} bytes, ${lost} lost`]);
        output.lines(paths);
      },
      { live: true, as: 'record' },
    );
  },
});
