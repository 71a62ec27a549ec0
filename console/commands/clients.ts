/**
 * `mirrorflow clients`: lists the clients of the applications, with the flows that they have open.
 *
 * A client is a program that uses the client library. The command asks each application's app
 * server, with `--all` those of other hosts too.
 */
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { askApplications } from '../every-application.js';
import { askHosts, networkStatus } from '../every-host.js';
import { pidCell } from '../record-table.js';
import { formatDuration } from '../../plotting/numbers.js';

export const clientsCommand = command({
  name: 'clients',
  summary: 'list the clients of all applications, or of one',
  positionals: {},
  options: {
    app: { ...APP_OPTION, describe: 'list only those of this application' },
    all: { type: 'boolean', describe: 'list those of all hosts of the network' },
  },
  examples: [
    ['clients', 'connected clients and their flows, this command included'],
    ['clients --all', 'the same for all hosts, with the host in front'],
  ],
  async run(context, { app, all }) {
    if (all === true) return clientsOfAllHosts(context, app);
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

async function clientsOfAllHosts(context: CommandContext, app: string | undefined): Promise<void> {
  const answers = await askHosts(context, app, networkStatus);
  const clients = answers.flatMap(({ host, app: application, clients: onHost }) =>
    onHost.map((client) => Object.assign({ host, app: application }, client)),
  );
  const { output } = context;
  if (output.json) return output.value(clients);
  output.table(
    [
      { header: 'host' },
      { header: 'app' },
      { header: 'client' },
      { header: 'program' },
      { header: 'pid', align: 'right' },
      { header: 'flows' },
    ],
    clients.map(({ provides, consumes, ...client }) => [
      client.host,
      client.app,
      client.name,
      client.program,
      pidCell(client.pid),
      [...provides.map((flow) => `${flow} (output)`), ...consumes.map((flow) => `${flow} (input)`)].join(
        ', ',
      ),
    ]),
    'No clients.',
  );
}
