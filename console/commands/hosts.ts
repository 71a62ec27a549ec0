/**
 * `mirrorflow hosts`: lists the hosts of the network, this one included.
 *
 * The command asks the host server, which is connected to the host servers of the others.
 */
import type { HostOnNetwork } from '../../client-lib/index.js';
import { command } from '../command.js';
import type { Output } from '../output.js';
import { recordTable, type RecordColumn } from '../record-table.js';
import { formatDuration } from '../../plotting/numbers.js';
import { withHost } from '../servers.js';

export const hostsCommand = command({
  name: 'hosts',
  summary: 'list the hosts of the network',
  positionals: {},
  options: {},
  examples: [
    ['hosts', 'a table: name, state, address, version, since when, running applications, cause'],
    ['hosts --json', 'an array of objects, with all applications'],
  ],
  async run(context) {
    const hosts = await withHost(context, (host) => host.network());
    const { output } = context;
    if (output.json) output.value(hosts);
    else output.lines(hostTable(output, hosts));
  },
});

function hostTable(output: Output, hosts: readonly HostOnNetwork[]): string[] {
  const nowMs = Date.now();
  const columns: readonly RecordColumn<HostOnNetwork>[] = [
    { header: 'host', cell: ({ host }) => host ?? '?' },
    {
      header: 'state',
      cell: ({ own, connected }) =>
        own
          ? { text: 'this one', style: 'dim' }
          : connected
            ? { text: 'connected', style: 'green' }
            : { text: 'away', style: 'red' },
    },
    {
      header: 'address',
      align: 'left',
      cell: ({ address, site }) => address ?? (site === undefined ? undefined : `site ${site}`),
    },
    { header: 'version', cell: ({ version }) => version },
    {
      header: 'for',
      align: 'right',
      cell: ({ since }) => (since === undefined ? undefined : formatDuration(nowMs - since.getTime())),
    },
    {
      header: 'running',
      align: 'left',
      cell: ({ applications }) =>
        applications
          .filter(({ state }) => state === 'running')
          .map(({ name }) => name)
          .join(', '),
    },
    {
      header: 'cause',
      align: 'left',
      cell: ({ cause }) => cause,
      matters: ({ cause }) => cause !== undefined,
    },
  ];
  return recordTable(output, columns, hosts, 'No hosts.');
}
