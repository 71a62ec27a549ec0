/**
 * How evenly a mirror of a changing source publishes when an interval was stated: the distances
 * between its publications.
 */
import { connect } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { repetitions, wanted, type BenchSettings } from './settings.js';
import { STEADY_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { startSystem } from './system.js';

const INTERVAL_MS = 100;
const RATE = 20_000;
/** Of each repetition. */
const DISTANCES = 30;
/** The first ones are of compilers and caches that warm up. */
const DISTANCES_BEFORE = 10;
const PUBLICATION_MS_MAX = 10_000;

export async function steadyPeriods(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of STEADY_SIZES) {
    const title = `${size.title}, changing: steady period, ${INTERVAL_MS} ms stated`;
    if (!wanted(settings, title)) continue;
    // All distances at once: the spread is that of single ones.
    rows.push(row('spectcl', title, 'ms', await distances(size, repetitions(settings, size.repetitions))));
  }
  return rows;
}

async function distances(size: SpectclSize, times: number): Promise<number[]> {
  const simulator = await startSpectcl(size, RATE);
  const { host, stop } = await startSystem();
  try {
    const all: number[] = [];
    for (let repetition = 0; repetition < times; repetition += 1) {
      const { ringBytes } = size;
      await host.run({ name: 'bench', source: simulator.address, updateIntervalMs: INTERVAL_MS, ringBytes });
      all.push(...(await distancesOfOne()));
      await host.stop('bench');
    }
    return all;
  } finally {
    await stop();
    await simulator.stop();
  }
}

/** Milliseconds between publications that follow each other, as the duplicator has stamped them. */
async function distancesOfOne(): Promise<number[]> {
  const client = await connect({ app: 'bench', name: 'bench' });
  try {
    const input = await client.openInput('spectra', { inline: true, delivery: 'lossy', start: 'next' });
    const found: number[] = [];
    let before: { readonly sequence: number; readonly timestampNs: number } | undefined;
    while (found.length < DISTANCES_BEFORE + DISTANCES) {
      const buffer = await input.take({ timeoutMs: PUBLICATION_MS_MAX });
      if (buffer === undefined) throw new Error(`no publication in ${PUBLICATION_MS_MAX} ms`);
      const { sequence, timestampNs } = buffer;
      buffer.release();
      if (before?.sequence === sequence - 1) found.push((timestampNs - before.timestampNs) / 1e6);
      before = { sequence, timestampNs };
    }
    await input.close();
    return found.slice(DISTANCES_BEFORE);
  } finally {
    await client.close();
  }
}
