/**
 * `mirrorflow start`: mirrors a SpecTcl, or the embedded simulator, until Ctrl-C.
 *
 * `npm start` runs it. `start/session.ts` does the work: it starts the servers that are missing and
 * stops those that it has started.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command, UPDATE_INTERVAL_OPTION } from '../command.js';
import { updateIntervalValue } from '../option-values.js';
import type { StartRecording } from '../start/session.js';

export const startCommand = command({
  name: 'start',
  summary: 'mirror a SpecTcl, or the embedded simulator, until Ctrl-C; starts the servers it needs',
  positionals: {},
  options: {
    spectcl: {
      type: 'string',
      describe: 'SpecTcl to mirror instead of the simulator: spectcl://HOST?rest=PORT&mirror=PORT',
    },
    app: { type: 'string', default: 'demo', describe: 'name of the application', completes: 'application' },
    'update-interval': UPDATE_INTERVAL_OPTION,
    record: {
      type: 'string',
      describe:
        'record the spectra, into this directory; without one where the recorder of an application writes. The viewer gets a time line',
      optionalValue: true,
      completes: 'file',
    },
    'allow-changes': {
      type: 'boolean',
      describe: 'let signed-in pages of the viewer, and a gateway, change SpecTcl',
    },
  },
  examples: [
    ['start', 'everything on this machine, with generated events'],
    ["start --spectcl 'spectcl://daq?rest=8000&mirror=8001' --app e23001", 'a real SpecTcl'],
    [
      "start --spectcl 'spectcl://daq?rest=8000&mirror=8001' --app e23001 --record tonight",
      'recorded into tonight/',
    ],
  ],
  epilogue: 'At its end it stops the servers that it started, and no others.',
  renamedOptions: { interval: 'update-interval' },
  async run(context, { spectcl, app, record, 'update-interval': interval, 'allow-changes': allowChanges }) {
    const { checkName } = await import('../../protocol/base/names.js');
    const { formatAddress, parseAddress } = await import('../../protocol/base/address.js');
    const options = {
      app: checkName('application', app),
      spectcl:
        spectcl === undefined ? undefined : formatAddress(parseAddress(spectcl, { schemes: ['spectcl'] })),
      allowChanges,
      record: record === undefined ? undefined : await recordingOf(record),
      updateIntervalMs: interval === undefined ? undefined : updateIntervalValue(interval),
    };
    const { startSession } = await import('../start/session.js');
    await startSession(context, options);
  },
});

/** Throws BAD_OPTION for a directory that cannot stand in MIRRORFLOW_RECORDINGS. */
async function recordingOf(option: string): Promise<StartRecording> {
  if (option === '') return { directory: undefined };
  const { resolve } = await import('node:path');
  const directory = resolve(option);
  if (!directory.includes(':')) return { directory };
  throw new MirrorflowError(
    'BAD_OPTION',
    `--record is ${JSON.stringify(directory)}; name a directory without ":", which separates directories`,
  );
}
