/**
 * `open`: how long a connected client waits for a mirror's memory: warm, with the duplicator to start, with the app server too, and to fail; and
 * for a flow between programs: one that is there, in a flow thread and without, and one whose duplicator must be started.
 */
import { connect, isMirrorflowError, type HostConnection } from '../client-lib/index.js';
import { row, type Row } from './report.js';
import { pause, startSimulatorProcess, startSystem } from './system.js';

const REPETITIONS = 20;
const SETTLE_MS = 50;
/** The flow thread that the next opening will use is started by then. */
const FLOW_SETTLE_MS = 150;

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
    const flows = await openFlows(host);
    return [
      row('open', 'getMemory, mirror runs on this host', 'ms', warm),
      row('open', 'getMemory, duplicator to start, 8 MiB to transfer', 'ms', cold),
      row('open', 'connect and getMemory, app server to start too', 'ms', coldest),
      row('open', 'getMemory fails, nobody listens at the source', 'ms', failing),
      ...flows,
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/** Buffers of 64 KiB. The first opening of a process starts a flow thread for it; the median is that of the later ones. */
async function openFlows(host: HostConnection): Promise<Row[]> {
  await host.run({ name: 'flows' });
  const options = { bufferSize: 65_536, buffers: 64 };
  const provider = await connect({ app: 'flows', name: 'provider' });
  const events = await provider.openOutput('events', options);
  const threaded: number[] = [];
  const inline: number[] = [];
  const started: number[] = [];
  const consumer = await connect({ app: 'flows', name: 'consumer' });
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    for (const [times, how] of [
      [threaded, {}],
      [inline, { inline: true }],
    ] as const) {
      await pause(FLOW_SETTLE_MS);
      const began = performance.now();
      const input = await consumer.openInput('events', how);
      times.push(performance.now() - began);
      await input.close();
    }
    const began = performance.now();
    const output = await provider.openOutput(`started${repetition}`, options);
    started.push(performance.now() - began);
    await output.close();
  }
  await events.close();
  await Promise.all([consumer.close(), provider.close()]);
  await host.stop('flows');
  return [
    row('open', 'openInput, flow thread, the flow is there', 'ms', threaded),
    row('open', 'openInput, inline, the flow is there', 'ms', inline),
    row('open', 'openOutput, duplicator to start', 'ms', started),
  ];
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
