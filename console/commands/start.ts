/**
 * `mirrorflow start`: mirrors a SpecTcl, or the embedded simulator, until Ctrl-C.
 *
 * `npm start` runs it. `start/session.ts` does the work: it starts the servers that are missing and
 * stops those that it has started.
 */
import { command, UPDATE_INTERVAL_OPTION } from '../command.js';
import { updateIntervalValue } from '../option-values.js';

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
    'allow-changes': {
      type: 'boolean',
      describe: 'let signed-in pages of the viewer, and a gateway, change SpecTcl',
    },
  },
  examples: [
    ['start', 'everything on this machine, with generated events'],
    ["start --spectcl 'spectcl://daq?rest=8000&mirror=8001' --app e23001", 'a real SpecTcl'],
  ],
  epilogue: 'At its end it stops the servers that it started, and no others.',
  renamedOptions: { interval: 'update-interval' },
  async run(context, { spectcl, app, 'update-interval': interval, 'allow-changes': allowChanges }) {
    const { checkName } = await import('../../protocol/base/names.js');
    const { formatAddress, parseAddress } = await import('../../protocol/base/address.js');
    const options = {
      app: checkName('application', app),
      spectcl:
        spectcl === undefined ? undefined : formatAddress(parseAddress(spectcl, { schemes: ['spectcl'] })),
      allowChanges,
      updateIntervalMs: interval === undefined ? undefined : updateIntervalValue(interval),
    };
    const { startSession } = await import('../start/session.js');
    await startSession(context, options);
  },
});
