/**
 * `mirrorflow stop`: stops an application with its app server and duplicators.
 *
 * The command asks the host server, which stops the processes on this or another host.
 */
import { command } from '../command.js';
import { withHost } from '../servers.js';
import { applicationTable } from './apps.js';

export const stopCommand = command({
  name: 'stop',
  summary: 'stop an application and its flows',
  positionals: {
    name: { type: 'string', describe: 'the application', demandOption: true, completes: 'application' },
  },
  options: { host: { type: 'string', describe: 'host it runs on; default: this one' } },
  examples: [
    ['stop e23001', 'stop its app server and its duplicators'],
    ['stop e23001 --host counting-room', 'on another host of the network'],
  ],
  async run(context, { name, host: where }) {
    const { checkName } = await import('../../protocol/base/names.js');
    const checked = checkName('application', name);
    const application = await withHost(context, (host) =>
      host.stop(checked, where === undefined ? undefined : checkName('host', where)),
    );
    const { output } = context;
    if (output.json) output.value(application);
    else output.lines(applicationTable(output, [application]));
  },
});
