/**
 * How long a connected client waits for its first image, the duplicator to start and everything to
 * transfer, by the size of the memory.
 */
import { connect } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { repetitions, wanted, type BenchSettings } from './settings.js';
import { SPECTCL_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { startSystem, timed } from './system.js';

export async function firstImages(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SPECTCL_SIZES) {
    const title = `${size.title}: first image, duplicator to start`;
    if (!wanted(settings, title)) continue;
    const times = await firstImagesOf(size, repetitions(settings, size.repetitions));
    rows.push(row('spectcl', title, 'ms', times));
  }
  return rows;
}

async function firstImagesOf(size: SpectclSize, count: number): Promise<number[]> {
  const simulator = await startSpectcl(size, 0);
  const { host, stop } = await startSystem();
  try {
    const times: number[] = [];
    while (times.length < count) {
      const app = `first${times.length}`;
      await host.run({ name: app, source: simulator.address, ringBytes: size.ringBytes });
      const client = await connect({ app, name: 'first' });
      times.push(await timed(() => client.getMemory()));
      await client.close();
      await host.stop(app);
    }
    return times;
  } finally {
    await stop();
    await simulator.stop();
  }
}
