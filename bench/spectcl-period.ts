/**
 * How evenly a mirror of a changing source publishes with a stated update interval: the periods
 * between its publications. Rows of the benchmark `spectcl`; starts a real system.
 */
import { connect } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { repetitionCount, isSelected, type BenchSettings } from './settings.js';
import { STEADY_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { startSystem } from './system.js';

const INTERVAL_MS = 100;
/** Counts a second that the simulator adds. */
const RATE = 20_000;
/** Periods of each repetition. */
const PERIODS = 30;
/** Not counted: compilers and caches warm up. */
const WARM_UP_PERIODS = 10;
const PUBLICATION_TIMEOUT_MS = 10_000;

export async function measureSteadyPeriods(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of STEADY_SIZES) {
    const title = `${size.title}, changing: steady period, ${INTERVAL_MS} ms stated`;
    if (!isSelected(settings, title)) continue;
    // The periods of all repetitions together: the spread is that of single periods.
    rows.push(
      makeRow(
        'spectcl',
        title,
        'ms',
        await publicationPeriods(size, repetitionCount(settings, size.repetitions)),
      ),
    );
  }
  return rows;
}

async function publicationPeriods(size: SpectclSize, times: number): Promise<number[]> {
  const simulator = await startSpectcl(size, RATE);
  const { host, stop } = await startSystem();
  try {
    const all: number[] = [];
    for (let repetition = 0; repetition < times; repetition += 1) {
      const { ringBytes } = size;
      await host.run({ name: 'bench', source: simulator.address, updateIntervalMs: INTERVAL_MS, ringBytes });
      all.push(...(await periodsOfOneMirror()));
      await host.stop('bench');
    }
    return all;
  } finally {
    await stop();
    await simulator.stop();
  }
}

/** Milliseconds between consecutive publications, by the time stamps of the duplicator. */
async function periodsOfOneMirror(): Promise<number[]> {
  const client = await connect({ app: 'bench', name: 'bench' });
  try {
    const input = await client.openInput('spectra', { inline: true, delivery: 'lossy', start: 'next' });
    const periods: number[] = [];
    let previous: { readonly sequence: number; readonly timestampNs: number } | undefined;
    while (periods.length < WARM_UP_PERIODS + PERIODS) {
      const buffer = await input.take({ timeoutMs: PUBLICATION_TIMEOUT_MS });
      if (buffer === undefined)
        throw new Error(`no publication of the mirror within ${PUBLICATION_TIMEOUT_MS} ms`);
      const { sequence, timestampNs } = buffer;
      buffer.release();
      if (previous?.sequence === sequence - 1) periods.push((timestampNs - previous.timestampNs) / 1e6);
      previous = { sequence, timestampNs };
    }
    await input.close();
    return periods.slice(WARM_UP_PERIODS);
  } finally {
    await client.close();
  }
}
