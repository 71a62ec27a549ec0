/**
 * Consumes the flow `readings` of provider.js and prints the sum of what it read.
 *
 *     node dist/examples/consumer.js [APPLICATION] [BUFFERS]
 *
 * The provider may start later than this program. BUFFERS is the number of buffers to read.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isMirrorflowError, type InputFlow } from 'mirrorflow';

const POLL_INTERVAL_MS = 20;
const [app = 'demo', buffers = '1000'] = process.argv.slice(2);

const client = await connect({ app, name: 'consumer' });
const readings = await openReadings();
// `live` while the flow has a provider, `ended` after it closed the flow, `stale` after it died.
readings.on('state', (state) => console.log(`the flow is ${state}`));

let taken = 0;
let sum = 0;
for await (const buffer of readings) {
  // `buffer.data` is borrowed: it is valid until the next buffer is taken. `copy()` keeps it.
  const { buffer: memory, byteOffset, byteLength } = buffer.data;
  sum = new Float64Array(memory, byteOffset, byteLength / 8).reduce((total, value) => total + value, sum);
  taken += 1;
  if (taken === Number(buffers)) break;
}
console.log(`took ${taken} buffers, lost ${readings.lost}, sum ${sum.toFixed(1)}`);
await client.close();

/** Opens the flow as soon as its provider has created it. */
async function openReadings(): Promise<InputFlow> {
  for (;;) {
    try {
      // Lossless is the default: the provider waits for this program. With `delivery: 'lossy'` it
      // does not, and `lost` counts the buffers for which this program was too slow.
      return await client.openInput('readings', { history: 16, start: 'oldest' });
    } catch (error) {
      if (!isMirrorflowError(error, 'UNKNOWN_FLOW')) throw error;
      await sleep(POLL_INTERVAL_MS);
    }
  }
}
