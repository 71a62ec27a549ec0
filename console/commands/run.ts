/**
 * `mirrorflow run`: starts an application, which mirrors one SpecTcl, on this or another host.
 *
 * The command asks the host server, which starts the application's app server.
 */
import { LIMITS } from '../../protocol/base/limits.js';
import type { ApplicationOptions } from '../../client-lib/index.js';
import { command, UPDATE_INTERVAL_OPTION } from '../command.js';
import { bytesValue, numberValue, updateIntervalValue } from '../option-values.js';
import { withHost } from '../servers.js';
import { applicationTable } from './apps.js';

const LINGER_MAX_MS = 86_400_000;

export const runCommand = command({
  name: 'run',
  summary: 'start an application: the mirror of one SpecTcl; success when it runs already',
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
      describe:
        'address of SpecTcl: spectcl://HOST?rest=PORT&mirror=PORT; default: as configured, or the last',
    },
    'update-interval': UPDATE_INTERVAL_OPTION,
    via: {
      type: 'string',
      describe:
        'mirror from another host that runs the same application, or from a site, nats://HOST:PORT/PREFIX/SITE, not from SpecTcl',
    },
    host: { type: 'string', describe: 'host to start it on; default: this one' },
    linger: { type: 'string', describe: 'milliseconds for which a flow without clients is kept' },
    record: {
      type: 'string',
      describe: 'record these flows, separated by commas, such as spectra,events',
    },
    'allow-changes': {
      type: 'boolean',
      describe: 'let signed-in pages of the viewer, and the gateway, change SpecTcl',
    },
    'ring-bytes': { type: 'string', describe: 'memory for the history of a mirror, such as 64MiB' },
  },
  examples: [
    [
      "run e23001 --spectcl 'spectcl://daq?rest=8000&mirror=8001'",
      'mirror that SpecTcl as soon as a client opens it',
    ],
    ['run e23001', 'start it again with its last options'],
    ['run e23001 --via daq', 'mirror from host daq: SpecTcl is not asked again'],
    ['run e23001 --host counting-room', 'start it on another host of the network'],
  ],
  async run(context, values) {
    const { checkName } = await import('../../protocol/base/names.js');
    const { formatSiteAddress, isSiteAddress, parseSiteAddress } =
      await import('../../protocol/nats/site-address.js');
    const { formatAddress, parseAddress } = await import('../../protocol/base/address.js');
    const { spectcl, linger, host, via, record } = values;
    const interval = values['update-interval'];
    const ring = values['ring-bytes'];
    const options: ApplicationOptions = {
      name: checkName('application', values.name),
      ...(spectcl !== undefined && {
        source: formatAddress(parseAddress(spectcl, { schemes: ['spectcl'] })),
      }),
      ...(via !== undefined && {
        via: isSiteAddress(via) ? formatSiteAddress(parseSiteAddress(via)) : checkName('host', via),
      }),
      ...(interval !== undefined && { updateIntervalMs: updateIntervalValue(interval) }),
      ...(linger !== undefined && {
        lingerMs: numberValue('linger', linger, { min: 0, max: LINGER_MAX_MS }),
      }),
      ...(record !== undefined && {
        record: { flows: record.split(',').map((flow) => checkName('flow', flow)) },
      }),
      ...(values['allow-changes'] !== undefined && { allowChanges: values['allow-changes'] }),
      ...(ring !== undefined && {
        ringBytes: bytesValue('ring-bytes', ring, { min: 0, max: LIMITS.mappedBytesMax }),
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
