/** `mirrorflow stop`. */
import { command } from '../command.js';
import { withHost } from '../servers.js';
import { applicationTable } from './apps.js';

export const stopCommand = command({
  name: 'stop',
  summary: 'stops an application and its flows',
  positionals: {
    name: { type: 'string', describe: 'the application', demandOption: true, completes: 'application' },
  },
  options: {},
  examples: [['stop e23001', 'ends its app server and its duplicators']],
  async run(context, { name }) {
    const { checkName } = await import('../../protocol/names.js');
    const checked = checkName('application', name);
    const application = await withHost(context, (host) => host.stop(checked));
    const { output } = context;
    if (output.json) output.value(application);
    else output.lines(applicationTable(output, [application]));
  },
});
