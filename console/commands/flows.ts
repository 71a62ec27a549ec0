/** `mirrorflow flows`. */
import type { FlowInfo } from '../../client-lib/index.js';
import { APP_OPTION, command } from '../command.js';
import { askApplications } from '../every-application.js';
import { pidCell, recordTable, type RecordColumn } from '../record-table.js';
import type { TextStyle } from '../render/colour.js';
import { formatBytes } from '../render/numbers.js';

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
  { header: 'cause', align: 'left', cell: ({ cause }) => cause, matters: ({ cause }) => cause !== undefined },
];

export const flowsCommand = command({
  name: 'flows',
  summary: 'lists the flows of all applications, or of one',
  positionals: {},
  options: { app: { ...APP_OPTION, describe: 'only this application' } },
  examples: [['flows --app e23001', 'its flows: type, state, buffers, clients']],
  async run(context, { app }) {
    const flows = await askApplications(context, app, (client) => client.flows());
    const { output } = context;
    if (output.json) return output.value(flows);
    output.lines(recordTable(output, COLUMNS, flows, 'No flows.'));
  },
});
