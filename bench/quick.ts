/**
 * `npm run bench -- quick`: the ten headline ratios, one short measurement each, in two minutes.
 * `gate.ts` compares them with kept ones. `main.ts` runs the cases. Pure: a list.
 */
export interface QuickCase {
  readonly bench: string;
  /** Name of the case that is measured. */
  readonly measures: string;
  /** The row and the peer that are shown. */
  readonly row: string;
  readonly peer: string;
}

export const QUICK_DURATION_MS = 1_000;

export const QUICK_CASES: readonly QuickCase[] = [
  ...['128 B to 1', '128 B to 4'].map((shape) => ({
    bench: 'fanout',
    measures: `${shape}, inline, polled`,
    row: `${shape}, inline, polled`,
    peer: 'sockets',
  })),
  {
    bench: 'fanout',
    measures: '1 MiB to 8, inline, copied',
    row: '1 MiB to 8, inline, copied',
    peer: 'memory copy, all cores',
  },
  {
    bench: 'latency',
    measures: '128 B at 1 kHz',
    row: '128 B at 1 kHz, inline: p50',
    peer: 'two socket hops',
  },
  {
    bench: 'tcp',
    measures: '64 KiB',
    row: '64 KiB: TCP to flow file',
    peer: 'bare sockets, as much memory',
  },
  {
    bench: 'integrity',
    measures: '64 KiB',
    row: '64 KiB, MAC: TCP to flow file',
    peer: 'integrity off',
  },
  {
    bench: 'spectcl',
    measures: '8 MiB, changing: updates back to back',
    row: '8 MiB, changing: updates back to back',
    peer: 'bare client',
  },
  {
    bench: 'gateway',
    measures: 'back to back',
    row: '8 MiB: updates back to back',
    peer: 'at the source',
  },
  ...[
    ['XML-RPC over HTTP', 'HTTP echo'],
    ['call over a session', 'socket echo'],
  ].map(([name = '', peer = '']) => ({
    bench: 'rpc',
    measures: name,
    row: `${name}, 1 at a time`,
    peer,
  })),
];
