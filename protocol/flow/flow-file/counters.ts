/**
 * The counters of a flow file: id (position in the header's counter table), name and help of each.
 * A duplicator, the owner of the file, writes them, a provider publishedBytes; statistics, console and web page read them
 * while the duplicator runs. Pure: a table.
 */
export const COUNTERS = {
  published: { id: 0, help: 'buffers published: by a mirror since it started, by a provider in this epoch' },
  publishedBytes: { id: 1, help: 'bytes of the published buffers' },
  updates: { id: 2, help: 'updates received from the source' },
  unchanged: { id: 3, help: 'updates without a change, which are not published' },
  receivedBytes: { id: 4, help: 'bytes received from the source' },
  headersCopied: { id: 5, help: 'slots whose display header was copied from the image' },
  imageBytes: { id: 6, help: 'bytes written to the image' },
  connections: { id: 7, help: 'connections opened to the source' },
  updateNs: { id: 8, help: 'nanoseconds from request to end of reply, all updates together' },
  signals: { id: 9, help: 'signals sent to consumers' },
  clients: { id: 10, help: 'clients connected now' },
  stalls: { id: 11, help: 'times the writer waited for a lossless consumer' },
  consumers: { id: 12, help: 'consumers attached now, lossless and lossy' },
  remotes: { id: 14, help: 'duplicators of other hosts that receive the flow now' },
  sentBytes: { id: 15, help: 'bytes sent to duplicators of other hosts' },
  gaps: { id: 16, help: 'interruptions in the sequences that another host sent' },
  missing: { id: 17, help: 'buffers lost in these gaps' },
  lossless: { id: 13, help: 'lossless consumers connected now' },
  awaited: { id: 18, help: 'lossless consumers of a killed duplicator that are expected to reattach' },
  holdingRemotes: {
    id: 19,
    help: 'lossless duplicators of other hosts, including those expected to reconnect',
  },
  bindingsAsOfUs: {
    id: 20,
    help: 'of a mirror: wall-clock time up to which all changes of bindings are published, µs since 1970',
  },
} as const satisfies Record<string, { id: number; help: string }>;

export type CounterName = keyof typeof COUNTERS;

/** Counters that rise and fall: a rate of them has no meaning. */
export const GAUGES: ReadonlySet<string> = new Set<CounterName>([
  'clients',
  'consumers',
  'lossless',
  'remotes',
  'awaited',
  'holdingRemotes',
  'bindingsAsOfUs',
]);
