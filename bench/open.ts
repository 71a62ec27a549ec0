/** `open`: how long a connected client waits for a mirror's memory: warm, with the duplicator to start, with the app server too, and to fail. */
import { connect, isMirrorflowError } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { pause, startSimulatorProcess, startSystem } from './system.js';

const REPETITIONS = 20;
const SETTLE_MS = 50;

export async function open(): Promise<Row[]> {
  const simulator = await startSimulatorProcess(['--rate', '1000', '--spectra', '400', '--interval', '1000']);
  const { host, stop } = await startSystem();
  try {
    const warm: number[] = [];
    const cold: number[] = [];
    const coldest: number[] = [];
    const failing: number[] = [];
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
      const app = `open${repetition}`;
      await host.run({ name: app, source: simulator.address });
      const first = await connect({ app, name: 'first' });
      cold.push(await timed(() => first.getMemory()));
      await first.close();
      await host.stop(app);
      coldest.push(
        await timed(async () => {
          const third = await connect({ app, name: 'third' });
          await third.getMemory();
          await third.close();
        }),
      );
      await host.stop(app);
    }
    await host.run({ name: 'running', source: simulator.address });
    const keeper = await connect({ app: 'running', name: 'keeper' });
    await keeper.getMemory();
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
      const viewer = await connect({ app: 'running', name: 'viewer' });
      await pause(SETTLE_MS); // what the viewer before it closed is over by then
      warm.push(await timed(() => viewer.getMemory()));
      await viewer.close();
    }
    await keeper.close();
    await host.run({ name: 'nothing', source: 'spectcl://127.0.0.1?rest=9&mirror=9' });
    const client = await connect({ app: 'nothing', name: 'unlucky' });
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1)
      failing.push(await timed(() => failed(client.getMemory())));
    await client.close();
    return [
      row('open', 'getMemory, mirror runs on this host', 'ms', warm),
      row('open', 'getMemory, duplicator to start, 8 MiB to transfer', 'ms', cold),
      row('open', 'connect and getMemory, app server to start too', 'ms', coldest),
      row('open', 'getMemory fails, nobody listens at the source', 'ms', failing),
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function failed(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isMirrorflowError(error, 'SOURCE_UNREACHABLE')) return;
    throw error;
  }
  throw new Error('it did not fail');
}
