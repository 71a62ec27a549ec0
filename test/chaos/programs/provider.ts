/**
 * A provider under chaos: `provider APP FLOW SIZE BUFFERS RUN BATCH`, started by `ChaosSystem` and
 * by system tests. Every five milliseconds it writes a batch of numbered buffers and reports `P
 * next` on standard output when they are published. On SIGTERM it closes its flow, reports `E` and
 * exits.
 */
import type { OutputFlow, OutputSlot } from 'mirrorflow';
import { writeNumberedBuffer } from '../numbered-buffer.js';
import { connectWithRetry, exitWithParent, linkSignal, report, retry } from './chaos-program.js';

const BATCH_INTERVAL_MS = 5;

const [app = '', flow = '', ...numbers] = process.argv.slice(2);
const [size = 128, buffers = 64, run = 0, batch = 1] = numbers.map(Number);
exitWithParent();
let stopping = false;
process.on('SIGTERM', () => (stopping = true));
const client = await connectWithRetry(app, `provider-${flow}`);
const output: OutputFlow = await retry('open', () =>
  client.openOutput(flow, { bufferSize: size, buffers, ...linkSignal() }),
);
let next = 0;
while (!stopping) {
  for (let count = 0; count < batch && !stopping; count += 1) {
    const slot = output.reserveNow() ?? (await reserveOrEnd());
    if (slot === undefined) break;
    writeNumberedBuffer(slot.data, size, run, next, Date.now());
    slot.commit(size);
    next += 1;
  }
  output.flush();
  report(`P ${next}`);
  await new Promise((resolve) => setTimeout(resolve, BATCH_INTERVAL_MS));
}
await output.close();
report('E');
await client.close();
process.exit(0);

/**
 * Publishes what was written, then waits for a slot; undefined when the program is to end before
 * there is one.
 */
async function reserveOrEnd(): Promise<OutputSlot | undefined> {
  output.flush();
  report(`P ${next}`);
  for (;;) {
    try {
      return await output.reserve({ signal: AbortSignal.timeout(200) });
    } catch (error) {
      // The wait was aborted by its time limit.
      const { cause } = error as { cause?: unknown };
      if (!(cause instanceof DOMException)) throw error;
      if (stopping) return undefined;
    }
  }
}
