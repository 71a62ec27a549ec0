/**
 * `mirrorflow flows`: lists the flows of the applications.
 *
 * A flow is a stream of fixed-size buffers from one provider to any number of consumers. The
 * command asks each application's app server, with `--all` those of other hosts too.
 */
import type { FlowInfo, NetworkStatus } from '../../client-lib/index.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { askApplications } from '../every-application.js';
import { askHosts, networkStatus } from '../every-host.js';
import { pidCell, recordTable, type RecordColumn } from '../record-table.js';
import type { TextStyle } from '../render/colour.js';
import { formatBytes } from '../../plotting/numbers.js';

const SOURCE_STYLES: Readonly<Record<NonNullable<FlowInfo['sourceState']>, TextStyle>> = {
  live: 'green',
  stale: 'alarm',
  starting: 'yellow',
  ended: 'dim',
};

const COLUMNS: readonly RecordColumn<FlowInfo & { readonly app: string }>[] = [
  { header: 'app', cell: ({ app }) => app },
  { header: 'flow', cell: ({ flow }) => flow },
  { header: 'type', cell: ({ type }) => type },
  { header: 'state', cell: ({ state }) => state },
  {
    header: 'source',
    align: 'left',
    cell: ({ sourceState }) =>
      sourceState === undefined ? undefined : { text: sourceState, style: SOURCE_STYLES[sourceState] },
  },
  {
    header: 'buffer',
    align: 'right',
    cell: ({ bufferSize }) => (bufferSize === undefined ? undefined : formatBytes(bufferSize)),
  },
  { header: 'buffers', cell: ({ buffers }) => buffers },
  { header: 'published', cell: ({ published }) => published },
  { header: 'clients', cell: ({ clients }) => clients },
  { header: 'pid', align: 'right', cell: ({ pid }) => pidCell(pid) },
  { header: 'restarts', cell: ({ restarts }) => restarts, matters: ({ restarts }) => restarts > 0 },
  {
    header: 'held back by',
    align: 'left',
    cell: ({ holding }) => holding?.join(', '),
    matters: ({ holding }) => holding !== undefined,
  },
  { header: 'cause', align: 'left', cell: ({ cause }) => cause, matters: ({ cause }) => cause !== undefined },
];

export const flowsCommand = command({
  name: 'flows',
  summary: 'list the flows of all applications, or of one',
  positionals: {},
  options: {
    app: { ...APP_OPTION, describe: 'list only those of this application' },
    all: { type: 'boolean', describe: 'list those of all hosts of the network' },
  },
  examples: [
    ['flows --app e23001', 'its flows: type, state, buffers, clients'],
    [
      'flows --all',
      'the hosts of each flow: its source, provider, readers, and the consumers that hold it back',
    ],
  ],
  async run(context, { app, all }) {
    if (all === true) return flowsOfAllHosts(context, app);
    const flows = await askApplications(context, app, (client) => client.flows());
    const { output } = context;
    if (output.json) return output.value(flows);
    output.lines(recordTable(output, COLUMNS, flows, 'No flows.'));
  },
});

type FlowOnHost = NetworkStatus['flows'][number] & { readonly host: string; readonly app: string };

const COLUMNS_WITH_HOST: readonly RecordColumn<FlowOnHost>[] = [
  { header: 'host', cell: ({ host }) => host },
  { header: 'app', cell: ({ app }) => app },
  { header: 'flow', cell: ({ flow }) => flow },
  { header: 'type', cell: ({ type }) => type },
  { header: 'state', cell: ({ state }) => state },
  { header: 'from', align: 'left', cell: ({ source, provider }) => provider ?? source },
  { header: 'readers', align: 'left', cell: ({ consumers }) => consumers.join(', ') },
  {
    header: 'held back by',
    align: 'left',
    cell: ({ holding }) => holding.join(', '),
    matters: ({ holding }) => holding.length > 0,
  },
  { header: 'pid', align: 'right', cell: ({ duplicator }) => pidCell(duplicator) },
];

async function flowsOfAllHosts(context: CommandContext, app: string | undefined): Promise<void> {
  const answers = await askHosts(context, app, networkStatus);
  const flows = answers.flatMap(({ host, app: application, flows: onHost }) =>
    onHost.map((flow) => Object.assign({ host, app: application }, flow)),
  );
  const { output } = context;
  if (output.json) return output.value(flows);
  output.lines(recordTable(output, COLUMNS_WITH_HOST, flows, 'No flows.'));
}
