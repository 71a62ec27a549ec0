/**
 * `latency`: the age of a buffer when its consumer gets it, at 1 kHz and at saturation, beside two
 * bare hops over Unix sockets (provider, relay and consumer are processes there as well) and npm
 * `zeromq`. Starts a real system and the programs `latency-sender` and `latency-receiver`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../client-lib/index.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { hasPackage } from './fanout-peers.js';
import type { Latencies } from './programs/latency-receiver.js';
import type { LatencySettings } from './programs/latency-sender.js';
import { makeRowPerPeer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { pause, startSystem } from './system.js';

const KIB = 1024;
/** Buffers of the ring, and of the queues of the peers. */
const BUFFERS = 64;
const WARM_UP_MS = 300;
/** Factor on `--duration` at 1 kHz: the quantile 99.9 % needs some thousand buffers. */
const DURATION_FACTOR = 4;
const MODES = ['flow thread', 'inline', 'inline, datagrams', 'spinning'] as const;
const QUANTILES = { p50: 'p50', p99: 'p99', p999: 'p99.9' } as const;

interface Case {
  readonly size: number;
  readonly intervalMs: number;
}

const CASES: readonly Case[] = [
  { size: 128, intervalMs: 1 },
  { size: 64 * KIB, intervalMs: 1 },
  { size: 128, intervalMs: 0 },
];

export async function latency(settings: BenchSettings): Promise<Row[]> {
  const { directory, host, stop } = await startSystem();
  try {
    await host.run({ name: 'latency' });
    const client = await connect({ app: 'latency', name: 'latency' });
    const rows: Row[] = [];
    const cases = CASES.filter((testCase) => isSelected(settings, nameOf(testCase)));
    settings.run.expect(cases.length);
    for (const testCase of cases) {
      const measured = () => measureCase(testCase, directory, settings);
      rows.push(...(await settings.run.measure(nameOf(testCase), measured)));
    }
    await client.close();
    return rows;
  } finally {
    await stop();
  }
}

async function measureCase(testCase: Case, directory: string, settings: BenchSettings): Promise<Row[]> {
  const runs = new Map<string, Latencies[]>();
  const variants: readonly {
    name: string;
    transport: LatencySettings['transport'];
    mode: LatencySettings['mode'];
  }[] = [
    ...MODES.map((mode) => ({ name: mode as string, transport: 'flow' as const, mode })),
    { name: 'two socket hops', transport: 'sockets', mode: 'inline' },
    ...((await hasPackage('zeromq'))
      ? [{ name: 'zeromq', transport: 'zeromq' as const, mode: 'inline' as const }]
      : []),
  ];
  for (const _ of settings.run.repetitions(settings.repeats)) {
    for (const { name, transport, mode } of variants) {
      const run: LatencySettings = {
        transport,
        mode,
        ...(mode === 'inline, datagrams' ? { signal: 'datagram' as const } : {}),
        app: 'latency',
        flow: `latency${(lastFlow += 1)}`,
        path: join(directory, 'latency.sock'),
        size: testCase.size,
        buffers: BUFFERS,
        intervalMs: testCase.intervalMs,
      };
      const measured = await measure(
        run,
        settings.durationMs * (testCase.intervalMs > 0 ? DURATION_FACTOR : 1),
      );
      runs.set(name, [...(runs.get(name) ?? []), measured]);
    }
  }
  return MODES.flatMap((mode) =>
    (['p50', 'p99', 'p999'] as const).flatMap((quantile) => {
      const of = (name: string): number[] => (runs.get(name) ?? []).map((run) => run[quantile]);
      const peers = ['two socket hops', 'zeromq'].map((name) => ({ name, values: of(name) }));
      return makeRowPerPeer(
        'latency',
        `${nameOf(testCase)}, ${mode}: ${QUANTILES[quantile]}`,
        'us',
        of(mode),
        peers,
      );
    }),
  );
}

let lastFlow = 0;

async function measure(run: LatencySettings, durationMs: number): Promise<Latencies> {
  const { path } = run;
  const relayPath = `${path}.relay`;
  for (const socketPath of [path, relayPath]) rmSync(socketPath, { force: true });
  const programs: BenchProcess[] = [];
  try {
    const sender = await BenchProcess.start('latency-sender', run);
    programs.push(sender);
    if (run.transport === 'sockets')
      programs.push(await BenchProcess.start('socket-relay', { from: path, to: relayPath }));
    const receiver = await BenchProcess.start('latency-receiver', {
      ...run,
      path: run.transport === 'sockets' ? relayPath : path,
    });
    programs.push(receiver);
    await pause(WARM_UP_MS); // time to connect
    await sender.request('start');
    await pause(WARM_UP_MS);
    await receiver.request('begin');
    await pause(durationMs);
    return await receiver.request<Latencies>('latencies');
  } finally {
    await stopAll(programs);
  }
}

function nameOf({ size, intervalMs }: Case): string {
  const bytes = size >= KIB ? `${size / KIB} KiB` : `${size} B`;
  return `${bytes} ${intervalMs > 0 ? `every ${intervalMs} ms` : 'at saturation'}`;
}
