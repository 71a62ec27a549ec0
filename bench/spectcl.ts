/**
 * `spectcl`: updates a second of a mirror, back to back, through the real duplicator, beside a bare
 * client of the same protocol, a client in C and the same bytes over bare TCP; and the processor
 * time of an update. All take turns; duplicator and clients use the same simulator. The first
 * image, the period of a steady mirror, the lag of a change, the threads that SpecTcl loses and the
 * bytes between hosts are measured by the files `spectcl-*.ts`.
 */
import { connect, type HostConnection } from '../client-lib/index.js';
import { perSecond } from '../protocol/base/rates.js';
import { runCMirror, sumOfWords, type CMirrorRun } from './c-mirror.js';
import { bareBlocksPerSecond, runBareClient } from './spectcl-peers.js';
import { makeRowPerPeer, type Row } from './report.js';
import { repetitionCount, isSelected, type BenchSettings } from './settings.js';
import { measureFirstImages } from './spectcl-first-image.js';
import { measureLags } from './spectcl-lag.js';
import { measureSteadyPeriods } from './spectcl-period.js';
import { ownClientCpuMs } from './spectcl-own-client.js';
import { SPECTCL_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { measureLostThreads } from './spectcl-threads.js';
import { measureBytesBetweenHosts } from './spectcl-wire.js';
import { cpuSeconds, pause, startSystem, type BenchSimulator } from './system.js';

/** Counts a second that the simulator adds. */
const RATES = { changing: 20_000, unchanging: 0 } as const;

export async function spectcl(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SPECTCL_SIZES) {
    for (const activity of ['changing', 'unchanging'] as const) {
      const titles = {
        rate: `${size.title}, ${activity}: updates back to back`,
        cpu: `${size.title}, ${activity}: duplicator CPU per update`,
      };
      if (!Object.values(titles).some((title) => isSelected(settings, title))) continue;
      const times = repetitionCount(settings, size.repetitions);
      const measured = () => measureUpdateRate(titles, size, RATES[activity], times, settings);
      rows.push(...(await settings.run.measure(titles.rate, measured)));
    }
  }
  for (const [name, measure] of Object.entries({
    'first images': measureFirstImages,
    'steady periods': measureSteadyPeriods,
    lags: measureLags,
    'lost threads': measureLostThreads,
    'bytes between hosts': measureBytesBetweenHosts,
  }))
    rows.push(...(await settings.run.measure(name, () => measure(settings))));
  return rows.filter((row) => isSelected(settings, row.case));
}

async function measureUpdateRate(
  titles: { readonly rate: string; readonly cpu: string },
  size: SpectclSize,
  rate: number,
  times: number,
  { programs }: BenchSettings,
): Promise<Row[]> {
  const simulator = await startSpectcl(size, rate);
  const port = simulator.mirrorPort;
  const { host, directory, stop } = await startSystem();
  try {
    const runs: MirrorRun[] = [];
    const inC: CMirrorRun[] = [];
    const ownCpu: number[] = [];
    const bare: number[] = [];
    const tcp: number[] = [];
    for (let repetition = 0; repetition < times; repetition += 1) {
      const { updatesPerSecond, memory } = await runBareClient(port, size.bytes, size.measureMs);
      bare.push(updatesPerSecond);
      const cRun = await runCMirror(directory, port, size.bytes, size.measureMs);
      if (cRun !== undefined) inC.push(cRun);
      if (cRun !== undefined && rate === 0 && cRun.sum !== sumOfWords(memory))
        throw new Error(`the memory of c-mirror is not that of its source: its words add up to ${cRun.sum}`);
      const run = await measureMirror(host, simulator, size);
      runs.push(run);
      if (programs.spectclClient !== undefined)
        ownCpu.push(
          await ownClientCpuMs(programs.spectclClient, simulator, run.bytesPerUpdate, size.measureMs),
        );
      tcp.push(await bareBlocksPerSecond(run.bytesPerUpdate, size.measureMs));
    }
    const peers = [
      { name: 'C client', values: inC.map((run) => run.updatesPerSecond) },
      { name: 'bare client', values: bare },
      { name: 'as many bytes over bare TCP', values: tcp },
    ];
    const rates = runs.map((run) => run.updatesPerSecond);
    const cpu = runs.map((run) => run.cpuMsPerUpdate);
    return [
      ...makeRowPerPeer('spectcl', titles.rate, '1/s', rates, peers),
      ...makeRowPerPeer('spectcl', titles.cpu, 'ms', cpu, [
        { name: 'C client', values: inC.map((run) => run.cpuMsPerUpdate) },
        ...(programs.spectclClient === undefined ? [] : [{ name: 'mirrorclient', values: ownCpu }]),
      ]),
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

interface MirrorRun {
  readonly updatesPerSecond: number;
  readonly cpuMsPerUpdate: number;
  /** Rounded to a whole number. */
  readonly bytesPerUpdate: number;
}

async function measureMirror(
  host: HostConnection,
  simulator: BenchSimulator,
  { ringBytes, measureMs }: SpectclSize,
): Promise<MirrorRun> {
  await host.run({ name: 'bench', source: simulator.address, updateIntervalMs: 0, ringBytes });
  const client = await connect({ app: 'bench', name: 'bench' });
  await client.getMemory();
  const pid = (await client.flows())[0]?.pid ?? 0;
  const readCounters = async () => {
    const { updates = 0, receivedBytes = 0 } = await client.statistics('spectra');
    return { updates, receivedBytes, cpu: cpuSeconds(pid), at: performance.now() };
  };
  const before = await readCounters();
  await pause(measureMs);
  const after = await readCounters();
  await client.close();
  await host.stop('bench');
  const updates = after.updates - before.updates;
  return {
    updatesPerSecond: perSecond(updates, after.at - before.at),
    cpuMsPerUpdate: ((after.cpu - before.cpu) / updates) * 1000,
    bytesPerUpdate: Math.round((after.receivedBytes - before.receivedBytes) / updates),
  };
}
