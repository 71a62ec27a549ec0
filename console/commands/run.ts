/** `mirrorflow run`. */
import { LIMITS } from '../../protocol/base/limits.js';
import type { ApplicationOptions } from '../../client-lib/index.js';
import { command } from '../command.js';
import { bytesValue, numberValue } from '../option-values.js';
import { withHost } from '../servers.js';
import { applicationTable } from './apps.js';

const UPDATE_INTERVAL_MAX_MS = 3_600_000;
const LINGER_MAX_MS = 86_400_000;

export const runCommand = command({
  name: 'run',
  summary: 'starts an application: the mirror of one SpecTcl; a running one is a success',
  positionals: {
    name: {
      type: 'string',
      describe: 'name of the application, known or new',
      demandOption: true,
      completes: 'application',
    },
  },
  options: {
    spectcl: {
      type: 'string',
      describe: 'where SpecTcl serves: spectcl://HOST?rest=PORT&mirror=PORT; left out: as configured or last',
    },
    'update-interval': { type: 'string', describe: 'milliseconds from update to update; 0: back to back' },
    via: {
      type: 'string',
      describe: 'have the mirror from another host that runs the same application, not from SpecTcl',
    },
    host: { type: 'string', describe: 'the host to start it on; left out: this one' },
    linger: { type: 'string', describe: 'milliseconds a flow without clients is kept' },
    'ring-bytes': { type: 'string', describe: 'memory for the history of a mirror, such as 64MiB' },
  },
  examples: [
    [
      "run e23001 --spectcl 'spectcl://daq?rest=8000&mirror=8001'",
      'mirrors that SpecTcl when somebody looks',
    ],
    ['run e23001', 'again, as it ran last'],
    ['run e23001 --via daq', 'mirrors what host daq has mirrored: SpecTcl is not asked again'],
    ['run e23001 --host counting-room', 'on another host of the network'],
  ],
  async run(context, given) {
    const { checkName } = await import('../../protocol/base/names.js');
    const { formatAddress, parseAddress } = await import('../../protocol/base/address.js');
    const { spectcl, linger, host, via } = given;
    const interval = given['update-interval'];
    const ring = given['ring-bytes'];
    const options: ApplicationOptions = {
      name: checkName('application', given.name),
      ...(spectcl !== undefined && {
        source: formatAddress(parseAddress(spectcl, { schemes: ['spectcl'] })),
      }),
      ...(via !== undefined && { via: checkName('host', via) }),
      ...(interval !== undefined && {
        updateIntervalMs: numberValue('update-interval', interval, { min: 0, max: UPDATE_INTERVAL_MAX_MS }),
      }),
      ...(linger !== undefined && {
        lingerMs: numberValue('linger', linger, { min: 0, max: LINGER_MAX_MS }),
      }),
      ...(ring !== undefined && {
        ringBytes: bytesValue('ring-bytes', ring, { min: 0, max: LIMITS.mappedBytes }),
      }),
    };
    const application = await withHost(context, (connection) =>
      connection.run(options, host === undefined ? undefined : checkName('host', host)),
    );
    const { output } = context;
    if (output.json) output.value(application);
    else output.lines(applicationTable(output, [application]));
  },
});
