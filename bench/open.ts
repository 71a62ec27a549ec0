/**
 * `open`: how long a connected client waits for a mirror's image: with the mirror running, with the
 * duplicator to start, with the app server to start too, and until it fails; how long it waits for
 * a flow between programs, with and without a flow thread (a worker that reads ahead) and with the
 * duplicator to start; 200 inputs of one program; and the time from `npm start` to the first
 * spectrum. Starts a real system.
 */
import { connect, isMirrorflowError, type HostConnection, type OutputFlow } from '../client-lib/index.js';
import { MANY_INPUTS, measureManyInputs } from './many-inputs.js';
import { measureNpmStart, NPM_START } from './npm-start.js';
import { makeRow, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { pause, startSimulatorProcess, startSystem, elapsedMs } from './system.js';

const REPETITIONS = 20;
const SETTLE_MS = 50;
/** Time for the library to start the flow thread that the next opening uses. */
const FLOW_SETTLE_MS = 150;
/** Time for the app server to start the duplicator that waits for the next flow. */
const SPARE_SETTLE_MS = 500;

/** Rows that are measured together: selecting one of them measures all. */
const TITLES = {
  warm: 'getMemory, mirror runs on this host',
  cold: 'getMemory, duplicator to start, 8 MiB to transfer',
  coldest: 'connect and getMemory, app server to start too',
  failing: 'getMemory fails, no process listens at the source',
  threaded: 'openInput, flow thread, the flow is there',
  inline: 'openInput, inline, the flow is there',
  started: 'openOutput, duplicator to start',
  together: 'openOutput of a second flow behind it',
} as const;

export async function open(settings: BenchSettings): Promise<Row[]> {
  const rows: Row[] = [];
  if (Object.values(TITLES).some((title) => isSelected(settings, title)))
    rows.push(...(await settings.run.measure('openings', measureOpenings)));
  if (isSelected(settings, MANY_INPUTS))
    rows.push(...(await settings.run.measure(MANY_INPUTS, measureManyInputs)));
  if (isSelected(settings, NPM_START))
    rows.push(...(await settings.run.measure(NPM_START, async () => [await measureNpmStart(settings)])));
  return rows.filter((row) => isSelected(settings, row.case));
}

async function measureOpenings(): Promise<Row[]> {
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
      await pause(SPARE_SETTLE_MS);
      cold.push(await elapsedMs(() => first.getMemory()));
      await first.close();
      await host.stop(app);
      coldest.push(
        await elapsedMs(async () => {
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
      await pause(SETTLE_MS); // time for the previous viewer to close
      warm.push(await elapsedMs(() => viewer.getMemory()));
      await viewer.close();
    }
    await keeper.close();
    await host.run({ name: 'nothing', source: 'spectcl://127.0.0.1?rest=9&mirror=9' });
    const client = await connect({ app: 'nothing', name: 'failing' });
    for (let repetition = 0; repetition < REPETITIONS; repetition += 1)
      failing.push(await elapsedMs(() => expectUnreachable(client.getMemory())));
    await client.close();
    const flows = await measureFlowOpenings(host);
    return [
      makeRow('open', TITLES.warm, 'ms', warm),
      makeRow('open', TITLES.cold, 'ms', cold),
      makeRow('open', TITLES.coldest, 'ms', coldest),
      makeRow('open', TITLES.failing, 'ms', failing),
      ...flows,
    ];
  } finally {
    await stop();
    await simulator.stop();
  }
}

/**
 * Measures flows with buffers of 64 KiB. The first opening of a process starts a flow thread; the
 * median shows the later ones.
 */
async function measureFlowOpenings(host: HostConnection): Promise<Row[]> {
  await host.run({ name: 'flows' });
  const options = { bufferSize: 65_536, buffers: 64 };
  const provider = await connect({ app: 'flows', name: 'provider' });
  const events = await provider.openOutput('events', options);
  const threaded: number[] = [];
  const inline: number[] = [];
  const started: number[] = [];
  const together: number[] = [];
  const outputs: OutputFlow[] = [];
  const consumer = await connect({ app: 'flows', name: 'consumer' });
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    for (const [times, inputOptions] of [
      [threaded, {}],
      [inline, { inline: true }],
    ] as const) {
      await pause(FLOW_SETTLE_MS);
      const began = performance.now();
      const input = await consumer.openInput('events', inputOptions);
      times.push(performance.now() - began);
      await input.close();
    }
  }
  // Measured in a loop of their own: the start and end of a duplicator would slow down the openings
  // above.
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    await pause(SPARE_SETTLE_MS);
    for (const times of [started, together]) {
      const began = performance.now();
      const output = await provider.openOutput(
        `${times === started ? 'one' : 'other'}${repetition}`,
        options,
      );
      times.push(performance.now() - began);
      if (times === together) await output.close();
      else outputs.push(output);
    }
  }
  for (const output of outputs) await output.close();
  await events.close();
  await Promise.all([consumer.close(), provider.close()]);
  await host.stop('flows');
  return [
    makeRow('open', TITLES.threaded, 'ms', threaded),
    makeRow('open', TITLES.inline, 'ms', inline),
    makeRow('open', TITLES.started, 'ms', started),
    makeRow('open', TITLES.together, 'ms', together),
  ];
}

async function expectUnreachable(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isMirrorflowError(error, 'SOURCE_UNREACHABLE')) return;
    throw error;
  }
  throw new Error('getMemory succeeded, although nothing listens at the source');
}
