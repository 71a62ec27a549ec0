/**
 * `mirrorflow flows`: lists the flows of the applications.
 *
 * A flow is a stream of fixed-size buffers from one provider to any number of consumers. The
 * command asks each application's app server, with `--all` those of other hosts too; with
 * `--consumers` for what the flow files show of each consumer.
 */
import type { FlowConsumer, FlowInfo, HostOnNetwork, NetworkStatus } from '../../client-lib/index.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { APP_OPTION, command, type CommandContext } from '../command.js';
import { askApplications } from '../every-application.js';
import { askHosts, networkStatus } from '../every-host.js';
import { pidCell, recordTable, type RecordColumn } from '../record-table.js';
import { withHost } from '../servers.js';
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
    consumers: { type: 'boolean', describe: 'list the consumers of each flow on this host, from its file' },
  },
  examples: [
    ['flows --app e23001', 'its flows: type, state, buffers, clients'],
    [
      'flows --all',
      'the hosts of each flow: its source, provider, readers, and the consumers that hold it back',
    ],
    ['flows --consumers', 'lag, missed buffers and back-pressure of every consumer'],
  ],
  async run(context, { app, all, consumers }) {
    if (all === true && consumers === true) {
      const message = '--consumers lists those of this host; give it without --all';
      throw new MirrorflowError('BAD_OPTION', message, { option: 'consumers' });
    }
    if (consumers === true) return consumersOfFlows(context, app);
    if (all === true) return flowsOfAllHosts(context, app);
    const flows = await askApplications(context, app, (client) => client.flows());
    const { output } = context;
    if (output.json) return output.value(flows);
    output.lines(recordTable(output, COLUMNS, flows, 'No flows.'));
  },
});

type ConsumerOfFlow = FlowConsumer & { readonly app: string; readonly flow: string };

const CONSUMER_COLUMNS: readonly RecordColumn<ConsumerOfFlow>[] = [
  { header: 'app', cell: ({ app }) => app },
  { header: 'flow', cell: ({ flow }) => flow },
  { header: 'consumer', cell: ({ client, remote }) => client ?? (remote ? 'another host' : 'unknown') },
  { header: 'pid', align: 'right', cell: ({ pid }) => pidCell(pid) },
  { header: 'delivery', cell: ({ delivery, paused }) => (paused ? `${delivery}, paused` : delivery) },
  { header: 'read', align: 'right', cell: ({ acknowledged }) => acknowledged },
  { header: 'lag', align: 'right', cell: ({ lag }) => lag },
  { header: 'missed', align: 'right', cell: ({ missed }) => missed },
  { header: 'holds back', cell: ({ holding }) => (holding ? { text: 'now', style: 'alarm' } : undefined) },
  { header: 'times', align: 'right', cell: ({ holds }) => holds },
  { header: 'ms', align: 'right', cell: ({ heldMs }) => heldMs },
];

async function consumersOfFlows(context: CommandContext, app: string | undefined): Promise<void> {
  const consumers = await askApplications(context, app, async (client) => {
    const running = (await client.flows()).filter(({ state }) => state === 'running');
    const each = running.map(async ({ flow }) => {
      const rows = await client.flowConsumers(flow).catch((error: unknown) => {
        // The flow has ended meanwhile.
        if (isMirrorflowError(error, 'NOT_RUNNING') || isMirrorflowError(error, 'UNKNOWN_FLOW')) return [];
        throw error;
      });
      return rows.map((row) => Object.assign({ flow }, row));
    });
    return (await Promise.all(each)).flat();
  });
  const { output } = context;
  if (output.json) return output.value(consumers);
  output.lines(recordTable(output, CONSUMER_COLUMNS, consumers, 'No consumers.'));
}

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

/** A flow as another site publishes it, without its readers. */
function farFlow(
  host: string,
  { app, flow, type, state }: NonNullable<HostOnNetwork['flows']>[number],
): FlowOnHost {
  return { host, app, flow, type, state, consumers: [], holding: [], answered: false };
}

async function flowsOfAllHosts(context: CommandContext, app: string | undefined): Promise<void> {
  const answers = await askHosts(context, app, networkStatus);
  const flows = answers.flatMap(({ host, app: application, flows: onHost }) =>
    onHost.map((flow) => Object.assign({ host, app: application }, flow)),
  );
  const answered = new Set(answers.map((answer) => answer.host));
  const far = await withHost(context, (host) => host.network());
  // A host of another site on which no application runs that runs here too did not answer.
  for (const { host, site, flows: published = [] } of far) {
    if (host === undefined || site === undefined || answered.has(host)) continue;
    flows.push(
      ...published.filter((flow) => app === undefined || flow.app === app).map((flow) => farFlow(host, flow)),
    );
  }
  const { output } = context;
  if (output.json) return output.value(flows);
  output.lines(recordTable(output, COLUMNS_WITH_HOST, flows, 'No flows.'));
}
