/**
 * `spectcl`: updates a second at back-to-back pace, through the real duplicator, beside a bare client of the same protocol that throws the bytes
 * away; and what an update costs. The two take turns against the same simulator.
 */
import { connect } from '../client-lib/index.js';
import { bareUpdatesPerSecond } from './bare-mirror-client.js';
import { row, type Row } from './report.js';
import { cpuSeconds, pause, startSimulatorProcess, startSystem } from './system.js';

const MEASURE_MS = 2_000;
const REPETITIONS = 5;
const CASES = [
  { title: '8 MiB', memory: 8, fillers: 400, ringBytes: 64 * 2 ** 20 },
  { title: '64 MiB', memory: 64, fillers: 3_000, ringBytes: 512 * 2 ** 20 },
] as const;

export async function spectcl(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const one of CASES) {
    for (const [what, rate] of [
      ['changing', '20000'],
      ['unchanging', '0'],
    ] as const) {
      rows.push(...(await measure(`${one.title}, ${what}`, one, rate)));
    }
  }
  return rows;
}

async function measure(title: string, one: (typeof CASES)[number], rate: string): Promise<Row[]> {
  const simulator = await startSimulatorProcess([
    '--memory', String(one.memory), '--spectra', String(one.fillers), '--no-checksum', '--rate', rate, '--interval', '20',
  ]); // prettier-ignore
  const { host, stop } = await startSystem();
  try {
    const ours: number[] = [];
    const bare: number[] = [];
    const cpu: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
      bare.push(await bareUpdatesPerSecond(simulator.mirrorPort, one.memory * 2 ** 20, MEASURE_MS));
      await host.run({
        name: 'bench',
        source: simulator.address,
        updateIntervalMs: 0,
        ringBytes: one.ringBytes,
      });
      const client = await connect({ app: 'bench', name: 'bench' });
      await client.getMemory();
      const pid = (await client.flows())[0]?.pid ?? 0;
      const before = { ...(await client.statistics('spectra')), cpu: cpuSeconds(pid), at: performance.now() };
      await pause(MEASURE_MS);
      const after = { ...(await client.statistics('spectra')), cpu: cpuSeconds(pid), at: performance.now() };
      const updates = count(after, 'updates') - count(before, 'updates');
      ours.push((updates / (after.at - before.at)) * 1000);
      cpu.push(((after.cpu - before.cpu) / updates) * 1000);
      await client.close();
      await host.stop('bench');
    }
    return [
      row('spectcl', `${title}: updates back to back`, '1/s', ours, { name: 'bare client', values: bare }),
      row('spectcl', `${title}: duplicator CPU per update`, 'ms', cpu),
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

function count(statistics: object, name: string): number {
  return Number((statistics as Record<string, unknown>)[name] ?? 0);
}
