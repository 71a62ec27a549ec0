/**
 * The rows `200 inputs` of the benchmark `open`: a program that reads 200 times, each with a
 * history that the flow thread fills; one thread serves them all. Starts a real system.
 */
import { connect } from '../client-lib/index.js';
import { makeRow, type Row } from './report.js';
import { residentMiB, startSystem, elapsedMs } from './system.js';

export const MANY_INPUTS = '200 inputs';

const INPUTS = 200;
const APP = 'inputs';

/** Opens and reads them all once; memory is what the process has grown by. */
export async function measureManyInputs(): Promise<Row[]> {
  const { host, stop } = await startSystem();
  try {
    await host.run({ name: APP });
    const provider = await connect({ app: APP, name: 'provider' });
    const output = await provider.openOutput('events', { bufferSize: 1_024, buffers: 64 });
    const consumer = await connect({ app: APP, name: 'consumer' });
    const first = await consumer.openInput('events'); // starts the thread
    const beforeMiB = residentMiB(process.pid);
    const before = process.cpuUsage();
    const inputs = Array.from({ length: INPUTS }, () => consumer.openInput('events'));
    const openMs = await elapsedMs(() => Promise.all(inputs));
    const { user, system } = process.cpuUsage(before);
    await output.write(Buffer.from('read by all'));
    for (const input of inputs) await (await input).take();
    const grownMiB = residentMiB(process.pid) - beforeMiB;
    await first.close();
    await consumer.close();
    await provider.close();
    return [
      makeRow('open', `${MANY_INPUTS} at once, flow thread`, 'ms', [openMs]),
      makeRow('open', `${MANY_INPUTS} at once, flow thread: processor time`, 'ms', [(user + system) / 1_000]),
      makeRow('open', `${MANY_INPUTS} at once, flow thread: memory`, 'MiB', [grownMiB]),
    ];
  } finally {
    await stop();
  }
}
