/** `mirrorflow clients`. */
import { APP_OPTION, command } from '../command.js';
import { askApplications } from '../every-application.js';
import { pidCell } from '../record-table.js';
import { formatDuration } from '../render/numbers.js';

export const clientsCommand = command({
  name: 'clients',
  summary: 'lists the clients of all applications, or of one',
  positionals: {},
  options: { app: { ...APP_OPTION, describe: 'only this application' } },
  examples: [['clients', 'who is connected, and to which flows; this command is among them']],
  async run(context, { app }) {
    const clients = await askApplications(context, app, (client) => client.clients());
    const { output } = context;
    if (output.json) return output.value(clients);
    const nowMs = Date.now();
    output.table(
      [
        { header: 'app' },
        { header: 'client' },
        { header: 'program' },
        { header: 'pid', align: 'right' },
        { header: 'since', align: 'right' },
        { header: 'flows' },
      ],
      clients.map((client) => [
        client.app,
        client.name,
        client.program,
        pidCell(client.pid),
        formatDuration(nowMs - client.since.getTime()),
        client.flows.map(({ flow, direction }) => `${flow} (${direction})`).join(', '),
      ]),
      'No clients.',
    );
  },
});
