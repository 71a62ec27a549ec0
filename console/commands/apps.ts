/** `mirrorflow apps`. */
import type { ApplicationInfo } from '../../client-lib/index.js';
import { command } from '../command.js';
import type { Output } from '../output.js';
import type { TextStyle } from '../render/colour.js';
import { formatDuration } from '../render/numbers.js';
import { pidCell, recordTable, type RecordColumn } from '../record-table.js';
import { withHost } from '../servers.js';

export const appsCommand = command({
  name: 'apps',
  summary: 'lists the applications of this host',
  positionals: {},
  options: {},
  examples: [
    ['apps', 'a table: name, state, source, process, uptime, restarts, cause of a failure'],
    ['apps --json', 'an array of objects'],
  ],
  async run(context) {
    const applications = await withHost(context, (host) => host.applications());
    const { output } = context;
    if (output.json) output.value(applications);
    else output.lines(applicationTable(output, applications));
  },
});

const STATE_STYLES: Readonly<Record<ApplicationInfo['state'], TextStyle>> = {
  starting: 'yellow',
  running: 'green',
  stopping: 'yellow',
  stopped: 'dim',
  failed: 'red',
};

export function applicationTable(output: Output, applications: readonly ApplicationInfo[]): string[] {
  const nowMs = Date.now();
  const columns: readonly RecordColumn<ApplicationInfo>[] = [
    { header: 'name', cell: ({ name }) => name },
    { header: 'state', cell: ({ state }) => ({ text: state, style: STATE_STYLES[state] }) },
    { header: 'source', align: 'left', cell: ({ source }) => source },
    { header: 'pid', align: 'right', cell: ({ pid }) => pidCell(pid) },
    {
      header: 'uptime',
      align: 'right',
      cell: ({ startedAt, state }) =>
        startedAt === undefined || state !== 'running'
          ? undefined
          : formatDuration(nowMs - startedAt.getTime()),
    },
    { header: 'restarts', cell: ({ restarts }) => restarts, matters: ({ restarts }) => restarts > 0 },
    {
      header: 'cause',
      align: 'left',
      cell: ({ cause }) => cause,
      matters: ({ cause }) => cause !== undefined,
    },
  ];
  const empty = 'No applications. Start one with: mirrorflow run NAME --spectcl ADDRESS';
  return recordTable(output, columns, applications, empty);
}
