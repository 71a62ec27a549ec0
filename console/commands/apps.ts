/**
 * `mirrorflow apps`: lists the applications of this host, or of all hosts.
 *
 * An application is the mirror of one SpecTcl with its flows. The command asks the host server, and
 * each app server about its recorder, and prints a table; `run` and `stop` print theirs with
 * `applicationTable`.
 */
import type { ApplicationInfo } from '../../client-lib/index.js';
import type { RecorderInfo } from '../../protocol/rpc/contract/recorder.js';
import { command, type CommandContext } from '../command.js';
import type { Output } from '../output.js';
import type { TextStyle } from '../render/colour.js';
import { formatDuration } from '../../plotting/numbers.js';
import { pidCell, recordTable, type RecordColumn } from '../record-table.js';
import { withClient, withHost } from '../servers.js';

export const appsCommand = command({
  name: 'apps',
  summary: 'list the applications of this host, or of all hosts',
  positionals: {},
  options: { all: { type: 'boolean', describe: 'list those of all hosts of the network' } },
  examples: [
    ['apps', 'a table: name, state, source, process, uptime, restarts, recorder, cause of a failure'],
    ['apps --all', 'the same with the host in front'],
    ['apps --json', 'an array of objects'],
  ],
  async run(context, { all }) {
    const { output } = context;
    if (all === true) {
      const hosts = await withHost(context, (host) => host.network());
      const onHosts = hosts.flatMap(({ host, applications }) =>
        applications.map((application) => ({ host, ...application })),
      );
      if (output.json) output.value(onHosts);
      else output.lines(applicationTable(output, onHosts));
      return;
    }
    const applications = await withRecorders(context, await withHost(context, (host) => host.applications()));
    if (output.json) output.value(applications);
    else output.lines(applicationTable(output, applications));
  },
});

type Listed = ApplicationInfo & { readonly host?: string | undefined; readonly recorder?: RecorderInfo };

/** With what their app servers answer about their recorders; one that does not answer has none. */
function withRecorders(context: CommandContext, applications: readonly ApplicationInfo[]): Promise<Listed[]> {
  return Promise.all(
    applications.map(async (application) => {
      if (application.state !== 'running') return application;
      const { recorder } = await withClient(context, application.name, (client) => client.appInfo()).catch(
        () => ({ recorder: undefined }),
      );
      return recorder === undefined ? application : Object.assign(application, { recorder });
    }),
  );
}

const RECORDER_STYLES: Readonly<Record<RecorderInfo['state'], TextStyle>> = {
  starting: 'yellow',
  waiting: 'yellow',
  recording: 'green',
  full: 'red',
  faulty: 'red',
  finished: 'dim',
  failed: 'red',
  stopped: 'dim',
};

const STATE_STYLES: Readonly<Record<ApplicationInfo['state'], TextStyle>> = {
  starting: 'yellow',
  running: 'green',
  stopping: 'yellow',
  stopped: 'dim',
  failed: 'red',
};

/** The table's lines, with a column for the host where the records have one. */
export function applicationTable(output: Output, applications: readonly Listed[]): string[] {
  const nowMs = Date.now();
  const columns: readonly RecordColumn<(typeof applications)[number]>[] = [
    { header: 'host', cell: ({ host }) => host, matters: ({ host }) => host !== undefined },
    { header: 'name', cell: ({ name }) => name },
    { header: 'state', cell: ({ state }) => ({ text: state, style: STATE_STYLES[state] }) },
    {
      header: 'source',
      align: 'left',
      cell: ({ source, via }) => source ?? (via === undefined || via.includes(':') ? via : `host ${via}`),
    },
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
      header: 'recorder',
      align: 'left',
      cell: ({ recorder }) => recorder && { text: recorder.state, style: RECORDER_STYLES[recorder.state] },
      matters: ({ recorder }) => recorder !== undefined,
    },
    {
      header: 'cause',
      align: 'left',
      cell: ({ cause, recorder }) => cause ?? recorder?.cause,
      matters: ({ cause, recorder }) => (cause ?? recorder?.cause) !== undefined,
    },
  ];
  const empty = 'No applications. Start one with: mirrorflow run NAME --spectcl ADDRESS';
  return recordTable(output, columns, applications, empty);
}
