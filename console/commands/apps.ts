/** `mirrorflow apps`. */
import type { ApplicationInfo } from '../../client-lib/index.js';
import { command } from '../command.js';
import type { Output } from '../output.js';
import type { TextStyle } from '../render/colour.js';
import { formatDuration } from '../render/numbers.js';
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
  return output.tableLines(
    [
      { header: 'name' },
      { header: 'state' },
      { header: 'source' },
      { header: 'pid' },
      { header: 'uptime', align: 'right' },
      { header: 'restarts' },
      { header: 'cause' },
    ],
    applications.map(({ name, state, source, pid, startedAt, restarts, cause }) => [
      name,
      { text: state, style: STATE_STYLES[state] },
      source,
      // As text: a process id has no thousands.
      pid === undefined ? undefined : String(pid),
      startedAt === undefined || state !== 'running'
        ? undefined
        : formatDuration(nowMs - startedAt.getTime()),
      restarts,
      cause,
    ]),
    'No applications. Start one with: mirrorflow run NAME --spectcl ADDRESS',
  );
}
