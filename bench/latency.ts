/**
 * `latency`: how old a buffer is when its consumer sees it, at 1 kHz and at saturation, beside two
 * bare hops over Unix sockets (provider, relay and consumer are processes there too) and npm
 * `zeromq`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../client-lib/index.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { hasPackage } from './fanout-peers.js';
import type { Latencies } from './programs/latency-receiver.js';
import type { LatencySettings } from './programs/latency-sender.js';
import { rowsOf, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { pause, startSystem } from './system.js';

const KIB = 1024;
/** Buffers of the ring, and of what the peers queue. */
const BUFFERS = 64;
const WARM_UP_MS = 300;
/** A figure of the slowest in a thousand needs some thousand buffers. */
const LONGER = 4;
const WAYS = ['flow thread', 'inline', 'spinning'] as const;
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
    for (const one of CASES) {
      if (wanted(settings, nameOf(one))) rows.push(...(await measureCase(one, directory, settings)));
    }
    await client.close();
    return rows;
  } finally {
    await stop();
  }
}

async function measureCase(one: Case, directory: string, settings: BenchSettings): Promise<Row[]> {
  const runs = new Map<string, Latencies[]>();
  const kinds: readonly {
    name: string;
    transport: LatencySettings['transport'];
    way: LatencySettings['way'];
  }[] = [
    ...WAYS.map((way) => ({ name: way as string, transport: 'flow' as const, way })),
    { name: 'two socket hops', transport: 'sockets', way: 'inline' },
    ...((await hasPackage('zeromq'))
      ? [{ name: 'zeromq', transport: 'zeromq' as const, way: 'inline' as const }]
      : []),
  ];
  for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
    for (const { name, transport, way } of kinds) {
      const run: LatencySettings = {
        transport,
        way,
        app: 'latency',
        flow: `latency${(lastFlow += 1)}`,
        path: join(directory, 'latency.sock'),
        size: one.size,
        buffers: BUFFERS,
        intervalMs: one.intervalMs,
      };
      const measured = await measure(run, settings.durationMs * (one.intervalMs > 0 ? LONGER : 1));
      runs.set(name, [...(runs.get(name) ?? []), measured]);
    }
  }
  return WAYS.flatMap((way) =>
    (['p50', 'p99', 'p999'] as const).flatMap((which) => {
      const of = (name: string): number[] => (runs.get(name) ?? []).map((run) => run[which]);
      const peers = ['two socket hops', 'zeromq'].map((name) => ({ name, values: of(name) }));
      return rowsOf('latency', `${nameOf(one)}, ${way}: ${QUANTILES[which]}`, 'us', of(way), peers);
    }),
  );
}

let lastFlow = 0;

async function measure(run: LatencySettings, durationMs: number): Promise<Latencies> {
  const { path } = run;
  const between = `${path}.relay`;
  for (const used of [path, between]) rmSync(used, { force: true });
  const programs: BenchProcess[] = [];
  try {
    const sender = await BenchProcess.start('latency-sender', run);
    programs.push(sender);
    if (run.transport === 'sockets')
      programs.push(await BenchProcess.start('socket-relay', { from: path, to: between }));
    const receiver = await BenchProcess.start('latency-receiver', {
      ...run,
      path: run.transport === 'sockets' ? between : path,
    });
    programs.push(receiver);
    await pause(WARM_UP_MS); // connections stand
    await sender.ask('start');
    await pause(WARM_UP_MS);
    await receiver.ask('begin');
    await pause(durationMs);
    return await receiver.ask<Latencies>('latencies');
  } finally {
    await stopAll(programs);
  }
}

function nameOf({ size, intervalMs }: Case): string {
  const bytes = size >= KIB ? `${size / KIB} KiB` : `${size} B`;
  return `${bytes} ${intervalMs > 0 ? `every ${intervalMs} ms` : 'at saturation'}`;
}
