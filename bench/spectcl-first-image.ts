/**
 * How long a connected client waits for its first image, with the duplicator to start and the whole
 * display memory to transfer, by the size of the memory. Rows of the benchmark `spectcl`; starts a
 * real system.
 */
import { connect } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { repetitionCount, isSelected, type BenchSettings } from './settings.js';
import { SPECTCL_SIZES, startSpectcl, type SpectclSize } from './spectcl-sizes.js';
import { startSystem, elapsedMs } from './system.js';

export async function measureFirstImages(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  for (const size of SPECTCL_SIZES) {
    const title = `${size.title}: first image, duplicator to start`;
    if (!isSelected(settings, title)) continue;
    const times = await firstImageTimes(size, repetitionCount(settings, size.repetitions));
    rows.push(makeRow('spectcl', title, 'ms', times));
  }
  return rows;
}

async function firstImageTimes(size: SpectclSize, count: number): Promise<number[]> {
  const simulator = await startSpectcl(size, 0);
  const { host, stop } = await startSystem();
  try {
    const times: number[] = [];
    while (times.length < count) {
      const app = `first${times.length}`;
      await host.run({ name: app, source: simulator.address, ringBytes: size.ringBytes });
      const client = await connect({ app, name: 'first' });
      times.push(await elapsedMs(() => client.getMemory()));
      await client.close();
      await host.stop(app);
    }
    return times;
  } finally {
    await stop();
    await simulator.stop();
  }
}
