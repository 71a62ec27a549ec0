/**
 * The counters of a flow file: one table of id, name and help, readable from outside while the
 * owner runs.
 */
export const COUNTERS = {
  published: { id: 0, help: 'buffers published: of a mirror all, of a provider those of this epoch' },
  publishedBytes: { id: 1, help: 'bytes of the buffers published' },
  updates: { id: 2, help: 'updates received from the source' },
  unchanged: { id: 3, help: 'updates that changed nothing and were not published' },
  receivedBytes: { id: 4, help: 'bytes received from the source' },
  headersCopied: { id: 5, help: 'slots whose display header was brought up to date from the image' },
  imageBytes: { id: 6, help: 'bytes written to the image' },
  connections: { id: 7, help: 'connections made to the source' },
  updateNs: { id: 8, help: 'nanoseconds spent between request and end of reply, all updates' },
  signals: { id: 9, help: 'signals sent to consumers' },
  clients: { id: 10, help: 'clients connected now' },
  stalls: { id: 11, help: 'times the writer waited for a lossless consumer' },
  consumers: { id: 12, help: 'consumers that are attached now, lossless and lossy' },
  remotes: { id: 14, help: 'duplicators of other hosts that receive the flow now' },
  sentBytes: { id: 15, help: 'bytes sent to duplicators of other hosts' },
  gaps: { id: 16, help: 'times that buffers were missing in what another host sent' },
  missing: { id: 17, help: 'buffers that were missing in those gaps' },
  lossless: { id: 13, help: 'lossless consumers connected now' },
  awaited: { id: 18, help: 'lossless consumers of a killed duplicator that are awaited' },
  holdingRemotes: {
    id: 19,
    help: 'lossless duplicators of other hosts, also those that were cut off or are awaited',
  },
  bindingsAsOfUs: {
    id: 20,
    help: 'of a mirror: wall-clock time up to which all changes of bindings are published, µs since 1970',
  },
} as const satisfies Record<string, { id: number; help: string }>;

export type CounterName = keyof typeof COUNTERS;

/** Those that go up and down: a rate of them says nothing. */
export const LEVELS: ReadonlySet<string> = new Set<CounterName>([
  'clients',
  'consumers',
  'lossless',
  'remotes',
  'awaited',
  'holdingRemotes',
  'bindingsAsOfUs',
]);
