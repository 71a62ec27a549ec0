/**
 * `open`: how long a connected client waits for a mirror's memory: warm, with the duplicator to
 * start, with the app server too, and to fail; and for a flow between programs: one that is there,
 * in a flow thread and without, and one whose duplicator must be started. And how long it takes
 * from `npm start` to the first spectrum.
 */
import { connect, isMirrorflowError, type HostConnection } from '../client-lib/index.js';
import { fromNpmStart, NPM_START } from './npm-start.js';
import { row, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, startSystem, timed } from './system.js';

const REPETITIONS = 20;
const SETTLE_MS = 50;
/** The flow thread that the next opening will use is started by then. */
const FLOW_SETTLE_MS = 150;

/** Its rows are measured together, so that each of them is measured when one is wanted. */
const TITLES = {
  warm: 'getMemory, mirror runs on this host',
  cold: 'getMemory, duplicator to start, 8 MiB to transfer',
  coldest: 'connect and getMemory, app server to start too',
  failing: 'getMemory fails, nobody listens at the source',
  threaded: 'openInput, flow thread, the flow is there',
  inline: 'openInput, inline, the flow is there',
  started: 'openOutput, duplicator to start',
} as const;

export async function open(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  if (Object.values(TITLES).some((title) => wanted(settings, title))) rows.push(...(await openAll()));
  if (wanted(settings, NPM_START)) rows.push(await fromNpmStart(settings));
  return rows.filter((one) => wanted(settings, one.case));
}

async function openAll(): Promise<Row[]> {
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
      row('open', TITLES.warm, 'ms', warm),
      row('open', TITLES.cold, 'ms', cold),
      row('open', TITLES.coldest, 'ms', coldest),
      row('open', TITLES.failing, 'ms', failing),
      ...flows,
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/**
 * Buffers of 64 KiB. The first opening of a process starts a flow thread for it; the median is that
 * of the later ones.
 */
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
  }
  // By themselves: what a duplicator's start and end leave to do would be met by the opening behind
  // it.
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    const began = performance.now();
    const output = await provider.openOutput(`started${repetition}`, options);
    started.push(performance.now() - began);
    await output.close();
  }
  await events.close();
  await Promise.all([consumer.close(), provider.close()]);
  await host.stop('flows');
  return [
    row('open', TITLES.threaded, 'ms', threaded),
    row('open', TITLES.inline, 'ms', inline),
    row('open', TITLES.started, 'ms', started),
  ];
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
