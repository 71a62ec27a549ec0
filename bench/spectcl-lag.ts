/**
 * How late a client of a mirror sees what changed at the source: the time from a request that
 * changes the simulator's memory to the publication that has it, at the default interval, which
 * follows the source. Beside it the time of one update of a bare client of SpecTcl's protocol: what
 * a program that asks at the right moment would wait. Rows of the benchmark `spectcl`; starts a
 * real system.
 */
import { connect, type Client, type InputFlow } from '../client-lib/index.js';
import { SpecTclRest } from '../protocol/spectcl/rest-client.js';
import { makeRow, type Row } from './report.js';
import { isSelected, repetitionCount, type BenchSettings } from './settings.js';
import { bareUpdatesPerSecond } from './spectcl-peers.js';
import { pause, startSimulatorProcess, startSystem, type BenchSimulator } from './system.js';

/** Memories of the simulator, in MiB, each filled with spectra. */
const SIZES = [
  { title: '0.5 MiB', mebibytes: 0.5, spectra: 8 },
  { title: '8 MiB', mebibytes: 8, spectra: 400 },
  { title: '64 MiB', mebibytes: 64, spectra: 3_000 },
] as const;
const REPETITIONS = 100;
/** The mirror has measured the times of its source by then. */
const WARM_UP_CHANGES = 40;
/** Longest random time from a publication to the next change, milliseconds. */
const CHANGE_DELAY_MAX_MS = 40;
const BARE_MS = 1_000;
const PUBLICATION_TIMEOUT_MS = 10_000;
const MIB = 2 ** 20;
const APP = 'bench';

export async function measureLags(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SIZES) {
    const title = `${size.title}: a change at the source to its publication`;
    if (!isSelected(settings, title)) continue;
    rows.push(await measureLag(title, size, repetitionCount(settings, REPETITIONS)));
  }
  return rows;
}

async function measureLag(
  title: string,
  { mebibytes, spectra }: (typeof SIZES)[number],
  count: number,
): Promise<Row> {
  // Each request to clear the spectra changes the checksum spectrum, and nothing else changes.
  const simulator = await startSimulatorProcess([
    '--memory', String(mebibytes), '--spectra', String(spectra), '--fillers-only', '--rate', '0',
  ]); // prettier-ignore
  const { host, stop } = await startSystem();
  try {
    const bareRate = await bareUpdatesPerSecond(simulator.mirrorPort, mebibytes * MIB, BARE_MS);
    await host.run({ name: APP, source: simulator.address });
    const client = await connect({ app: APP, name: 'bench' });
    const lags = await lagsOf(client, simulator, count);
    await client.close();
    return makeRow('spectcl', title, 'ms', lags, {
      name: 'one update, bare client',
      values: [1000 / bareRate],
    });
  } finally {
    await stop();
    await simulator.stop();
  }
}

async function lagsOf(client: Client, simulator: BenchSimulator, count: number): Promise<number[]> {
  const rest = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort });
  const input = await client.openInput('spectra', { inline: true, delivery: 'lossy', start: 'next' });
  const lags: number[] = [];
  for (let change = 0; change < WARM_UP_CHANGES + count; change += 1) {
    await pause(Math.random() * CHANGE_DELAY_MAX_MS);
    const began = performance.now();
    const [, publishedMs] = await Promise.all([rest.zero(), nextPublication(input)]);
    if (change >= WARM_UP_CHANGES) lags.push(publishedMs - began);
  }
  rest.close();
  await input.close();
  return lags;
}

/** When it had arrived. */
async function nextPublication(input: InputFlow): Promise<number> {
  const buffer = await input.take({ timeoutMs: PUBLICATION_TIMEOUT_MS });
  if (buffer === undefined)
    throw new Error(`no publication of the mirror within ${PUBLICATION_TIMEOUT_MS} ms`);
  buffer.release();
  return performance.now();
}
