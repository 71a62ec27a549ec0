/**
 * A provider of the chaos run: `provider APP FLOW SIZE BUFFERS RUN BATCH` writes BATCH numbered
 * buffers of SIZE bytes every five milliseconds and prints `P next` when they are published; on
 * SIGTERM it closes its flow, prints `E` and ends.
 */
import type { OutputFlow, OutputSlot } from 'mirrorflow';
import { writeProof } from '../numbered-buffer.js';
import { connected, endWithParent, report, untilDone } from './chaos-client.js';

const TICK_MS = 5;

const [app = '', flow = '', ...numbers] = process.argv.slice(2);
const [size = 128, buffers = 64, run = 0, batch = 1] = numbers.map(Number);
endWithParent();
let ending = false;
process.on('SIGTERM', () => (ending = true));
const client = await connected(app, `provider-${flow}`);
const out: OutputFlow = await untilDone('open', () => client.openOutput(flow, { bufferSize: size, buffers }));
let next = 0;
while (!ending) {
  for (let count = 0; count < batch && !ending; count += 1) {
    const slot = out.reserveNow() ?? (await reserveWhenFree());
    if (slot === undefined) break;
    writeProof(slot.data, size, run, next, Date.now());
    slot.commit(size);
    next += 1;
  }
  out.flush();
  report(`P ${next}`);
  await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}
await out.close();
report('E');
await client.close();
process.exit(0);

/** Publishes what was written, then waits for a slot; undefined when the program must end. */
async function reserveWhenFree(): Promise<OutputSlot | undefined> {
  out.flush();
  report(`P ${next}`);
  for (;;) {
    try {
      return await out.reserve({ signal: AbortSignal.timeout(200) });
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      if (ending) return undefined;
    }
  }
}
