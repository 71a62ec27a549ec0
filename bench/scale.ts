/**
 * `scale`: what a publication costs the duplicators (the processes that own the flows) with 1 to
 * 1,000 clients of a flow, 1 to 100 flows, and buffers of 1 to 500 MiB: processor time, memory,
 * wake-ups. The peer of each curve is its own smallest point: a ratio of 1 is a flat curve. Points
 * that take long to set up are measured once unless `--full` is set. Starts a real system; reads
 * /proc.
 */
import { connect, type Client } from '../client-lib/index.js';
import { perSecond } from '../protocol/base/rates.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { startAll } from './fanout-peers.js';
import type { FlowProviderSettings } from './programs/flow-provider.js';
import type { FlowConsumerSettings } from './programs/flow-consumer.js';
import type { Sample } from './programs/sample.js';
import type { ScaleConsumerSettings } from './programs/scale-consumer.js';
import type { ScaleProviderSettings } from './programs/scale-provider.js';
import { makeRow, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { cpuSeconds, pause, residentMiB, startSystem, wakeUps } from './system.js';

const MIB = 1024 * 1024;
const APP = 'scale';
const CLIENTS = [1, 10, 100, 1_000] as const;
const FLOWS = [1, 10, 100] as const;
const MEMORIES_MIB = [1, 16, 128, 500] as const;
/** Clients are distributed over this many processes. */
const CLIENT_PROCESSES = 2;
const INTERVAL_MS = 50;
const WARM_UP_MS = 500;
/** Factor on `--duration`, since processor time comes in ticks of 10 ms. */
const DURATION_FACTOR = 4;

interface Cost {
  readonly cpuUs: number;
  readonly residentMiB: number;
  readonly wakeUps: number;
  readonly openMs: number;
}

/** One point of a curve: one provider of `flows` flows, each with `clients` consumers. */
interface Point {
  readonly name: string;
  readonly flows: number;
  readonly clients: number;
  /** Bytes of a buffer. */
  readonly size: number;
  /** The processor time of a publication is divided by it: the number of clients, or 1. */
  readonly divisor: number;
}

export async function scale(settings: BenchSettings): Promise<Row[]> {
  const { host, stop } = await startSystem();
  try {
    await host.run({ name: APP });
    const client = await connect({ app: APP, name: 'scale' });
    const rows: Row[] = [];
    const curves: Readonly<Record<string, readonly Point[]>> = {
      clients: CLIENTS.map((clients) => ({
        name: `${clients} clients of a flow`, flows: 1, clients, size: 128, divisor: clients,
      })), // prettier-ignore
      flows: FLOWS.map((flows) => ({ name: `${flows} flows`, flows, clients: 1, size: 128, divisor: 1 })),
      memories: MEMORIES_MIB.map((size) => ({
        name: `buffers of ${size} MiB`, flows: 1, clients: 1, size: size * MIB, divisor: 1,
      })), // prettier-ignore
    };
    const { run } = settings;
    for (const [curve, points] of Object.entries(curves)) {
      const measured = () => measureCurve(points, client, settings);
      if (isSelected(settings, curve)) rows.push(...(await run.measure(curve, measured)));
    }
    if (isSelected(settings, 'wake-ups'))
      rows.push(...(await run.measure('wake-ups', () => measureWakeUps(client, settings))));
    await client.close();
    return rows;
  } finally {
    await stop();
  }
}

async function measureCurve(
  points: readonly Point[],
  client: Client,
  { repeats, durationMs, full }: BenchSettings,
): Promise<Row[]> {
  const rows: Row[] = [];
  let smallest: { readonly name: string; readonly costs: readonly Cost[] } | undefined;
  for (const point of points) {
    const costs: Cost[] = [];
    const measuredOnce =
      !full && (point.clients > CLIENTS[1] || point.flows > FLOWS[1] || point.size > 64 * MIB);
    for (let repeat = 0; repeat < (measuredOnce ? 1 : repeats); repeat += 1)
      costs.push(await measure(point, client, durationMs * DURATION_FACTOR));
    smallest ??= { name: point.name, costs };
    const { name, costs: base } = smallest;
    const add = (what: string, unit: string, of: (cost: Cost) => number): void => {
      rows.push(
        makeRow('scale', `${point.name}: ${what}`, unit, costs.map(of), { name, values: base.map(of) }),
      );
    };
    const perClient = point.divisor > 1 || point.name.includes('client') ? ' and client' : '';
    add(`CPU per publication${perClient}`, 'us', ({ cpuUs }) => cpuUs);
    add('resident, per flow', 'MiB', (cost) => cost.residentMiB);
    add('wake-ups, per flow', '1/s', (cost) => cost.wakeUps);
    if (!point.name.includes('client')) add('opening, per flow', 'ms', (cost) => cost.openMs);
  }
  return rows;
}

let lastFlow = 0;

async function measure(point: Point, client: Client, durationMs: number): Promise<Cost> {
  const flows = Array.from({ length: point.flows }, () => `scale${(lastFlow += 1)}`);
  const providerSettings: ScaleProviderSettings = {
    app: APP,
    flows,
    size: point.size,
    buffers: point.size > MIB ? 2 : 16,
    intervalMs: INTERVAL_MS,
  };
  const programs: BenchProcess[] = [];
  try {
    const provider = await BenchProcess.start('scale-provider', providerSettings);
    programs.push(provider);
    const processes = Math.min(CLIENT_PROCESSES, point.clients);
    const consumerSettings: ScaleConsumerSettings = { app: APP, flows, clients: point.clients / processes };
    programs.push(...(await startAll(processes, 'scale-consumer', consumerSettings)));
    await pause(WARM_UP_MS);
    const pids = await duplicatorsOf(client, flows);
    const before = { cpu: sum(pids, cpuSeconds), woken: sum(pids, wakeUps), at: performance.now() };
    const published = await provider.request<Sample>('sample');
    await pause(durationMs);
    const more = (await provider.request<Sample>('sample')).buffers - published.buffers;
    const seconds = (performance.now() - before.at) / 1000;
    return {
      cpuUs: ((sum(pids, cpuSeconds) - before.cpu) * 1e6) / more / point.divisor,
      residentMiB: sum(pids, residentMiB) / flows.length,
      wakeUps: (sum(pids, wakeUps) - before.woken) / seconds / flows.length,
      openMs: (await provider.request<number>('openedMs')) / flows.length,
    };
  } finally {
    await stopAll(programs);
  }
}

/**
 * Wake-ups of the duplicator a second and buffers per wake-up at saturation, where one wake-up
 * serves many buffers.
 */
async function measureWakeUps(client: Client, { repeats, durationMs }: BenchSettings): Promise<Row[]> {
  const woken: number[] = [];
  const buffersEach: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    const flow = `scale${(lastFlow += 1)}`;
    const providerSettings: FlowProviderSettings = {
      app: APP, flow, size: 128, buffers: 4096, consumers: 1, fill: true,
    }; // prettier-ignore
    const consumerSettings: FlowConsumerSettings = {
      app: APP, flow, method: 'poll', inline: true, copy: false, size: 128,
    }; // prettier-ignore
    const programs: BenchProcess[] = [];
    try {
      const provider = await BenchProcess.start('flow-provider', providerSettings);
      programs.push(provider, await BenchProcess.start('flow-consumer', consumerSettings));
      await pause(WARM_UP_MS);
      const pids = await duplicatorsOf(client, [flow]);
      const before = { woken: sum(pids, wakeUps), sample: await provider.request<Sample>('sample') };
      await pause(durationMs);
      const sample = await provider.request<Sample>('sample');
      const more = sum(pids, wakeUps) - before.woken;
      woken.push(perSecond(more, sample.atMs - before.sample.atMs));
      buffersEach.push((sample.buffers - before.sample.buffers) / more);
    } finally {
      await stopAll(programs);
    }
  }
  return [
    makeRow('scale', 'saturation: wake-ups of the duplicator', '1/s', woken),
    makeRow('scale', 'saturation: buffers per wake-up', '', buffersEach),
  ];
}

async function duplicatorsOf(client: Client, flows: readonly string[]): Promise<number[]> {
  const infos = await client.flows();
  return infos.flatMap(({ flow, pid }) => (flows.includes(flow) && pid !== undefined ? [pid] : []));
}

function sum(pids: readonly number[], of: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + of(pid), 0);
}
