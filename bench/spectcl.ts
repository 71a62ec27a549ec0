/**
 * `spectcl`: updates a second at back-to-back pace, through the real duplicator, beside a bare
 * client of the same protocol that throws the bytes away and beside the same bytes over bare TCP;
 * and what an update costs. All take turns, the first two against the same simulator. Then the
 * first image, the period of a steady mirror, and the bytes between hosts, in files of their own.
 */
import { connect, type HostConnection } from '../client-lib/index.js';
import { perSecond } from '../protocol/base/rates.js';
import { bareUpdatesPerSecond } from './bare-mirror-client.js';
import { bareBlocksPerSecond } from './bare-tcp.js';
import { row, rowsOf, type Row } from './report.js';
import { repetitions, wanted, type BenchSettings } from './settings.js';
import { firstImages } from './spectcl-first-image.js';
import { steadyPeriods } from './spectcl-period.js';
import { SPECTCL_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { bytesBetweenHosts } from './spectcl-wire.js';
import { cpuSeconds, pause, startSystem, type BenchSimulator } from './system.js';

const RATES = { changing: 20_000, unchanging: 0 } as const;

export async function spectcl(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SPECTCL_SIZES) {
    for (const what of ['changing', 'unchanging'] as const) {
      const titles = {
        rate: `${size.title}, ${what}: updates back to back`,
        cpu: `${size.title}, ${what}: duplicator CPU per update`,
      };
      if (!Object.values(titles).some((title) => wanted(settings, title))) continue;
      rows.push(...(await backToBack(titles, size, RATES[what], repetitions(settings, size.repetitions))));
    }
  }
  for (const more of [firstImages, steadyPeriods, bytesBetweenHosts]) rows.push(...(await more(settings)));
  return rows.filter((one) => wanted(settings, one.case));
}

async function backToBack(
  titles: { readonly rate: string; readonly cpu: string },
  size: SpectclSize,
  rate: number,
  times: number,
): Promise<Row[]> {
  const simulator = await startSpectcl(size, rate);
  const { host, stop } = await startSystem();
  try {
    const ours: OneRun[] = [];
    const bare: number[] = [];
    const tcp: number[] = [];
    for (let repetition = 0; repetition < times; repetition += 1) {
      bare.push(await bareUpdatesPerSecond(simulator.mirrorPort, size.bytes, size.measureMs));
      const run = await oneRun(host, simulator, size);
      ours.push(run);
      tcp.push(await bareBlocksPerSecond(run.bytesPerUpdate, size.measureMs));
    }
    const peers = [
      { name: 'bare client', values: bare },
      { name: 'as many bytes over bare TCP', values: tcp },
    ];
    const rates = ours.map((one) => one.updatesPerSecond);
    const cpu = ours.map((one) => one.cpuMsPerUpdate);
    return [...rowsOf('spectcl', titles.rate, '1/s', rates, peers), row('spectcl', titles.cpu, 'ms', cpu)];
  } finally {
    await stop();
    await simulator.stop();
  }
}

interface OneRun {
  readonly updatesPerSecond: number;
  readonly cpuMsPerUpdate: number;
  /** A whole number. */
  readonly bytesPerUpdate: number;
}

async function oneRun(
  host: HostConnection,
  simulator: BenchSimulator,
  { ringBytes, measureMs }: SpectclSize,
): Promise<OneRun> {
  await host.run({ name: 'bench', source: simulator.address, updateIntervalMs: 0, ringBytes });
  const client = await connect({ app: 'bench', name: 'bench' });
  await client.getMemory();
  const pid = (await client.flows())[0]?.pid ?? 0;
  const look = async () => {
    const { updates = 0, receivedBytes = 0 } = await client.statistics('spectra');
    return { updates, receivedBytes, cpu: cpuSeconds(pid), at: performance.now() };
  };
  const before = await look();
  await pause(measureMs);
  const after = await look();
  await client.close();
  await host.stop('bench');
  const updates = after.updates - before.updates;
  return {
    updatesPerSecond: perSecond(updates, after.at - before.at),
    cpuMsPerUpdate: ((after.cpu - before.cpu) / updates) * 1000,
    bytesPerUpdate: Math.round((after.receivedBytes - before.receivedBytes) / updates),
  };
}
