/** `mirrorflow start`: what `npm start` runs. */
import { command } from '../command.js';
import { numberValue } from '../option-values.js';

const UPDATE_INTERVAL_MAX_MS = 3_600_000;

export const startCommand = command({
  name: 'start',
  summary: 'mirrors a SpecTcl, or the embedded simulator, until Ctrl-C; starts what is needed for it',
  positionals: {},
  options: {
    spectcl: {
      type: 'string',
      describe: 'a SpecTcl instead of the simulator: spectcl://HOST?rest=PORT&mirror=PORT',
    },
    app: { type: 'string', default: 'demo', describe: 'name of the application', completes: 'application' },
    interval: { type: 'string', describe: 'milliseconds from update to update; 0: back to back' },
  },
  examples: [
    ['start', 'everything on this machine, with invented events'],
    ["start --spectcl 'spectcl://daq?rest=8000&mirror=8001' --app e23001", 'a real SpecTcl'],
  ],
  epilogue: 'At its end it stops what it started itself, and nothing else.',
  async run(context, { spectcl, app, interval }) {
    const { checkName } = await import('../../protocol/base/names.js');
    const { formatAddress, parseAddress } = await import('../../protocol/base/address.js');
    const wishes = {
      app: checkName('application', app),
      spectcl:
        spectcl === undefined ? undefined : formatAddress(parseAddress(spectcl, { schemes: ['spectcl'] })),
      updateIntervalMs:
        interval === undefined
          ? undefined
          : numberValue('interval', interval, { min: 0, max: UPDATE_INTERVAL_MAX_MS }),
    };
    const { startSession } = await import('../start/session.js');
    await startSession(context, wishes);
  },
});
