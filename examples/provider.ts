/**
 * Provides the flow `readings`: buffers of eight 64-bit floating-point numbers.
 *
 *     node dist/examples/provider.js [APPLICATION] [BUFFERS]
 *
 * A flow carries buffers of bytes from one provider to any number of consumers. Run consumer.js
 * beside this program; the provider waits for it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mirrorflow';

const POLL_INTERVAL_MS = 20;
const READINGS = 8;
const [app = 'demo', buffers = '1000'] = process.argv.slice(2);

const client = await connect({ app, name: 'provider' });
const out = await client.openOutput('readings', { bufferSize: READINGS * 8, buffers: 64 });
while (out.consumers === 0) await sleep(POLL_INTERVAL_MS);

for (let index = 0; index < Number(buffers); index += 1) {
  // Waits while a lossless consumer has not read far enough: no buffer is overwritten unread.
  const slot = await out.reserve();
  // The slot lies in shared memory: filling it in place saves a copy.
  const readings = new Float64Array(slot.data.buffer, slot.data.byteOffset, READINGS);
  for (let channel = 0; channel < READINGS; channel += 1) readings[channel] = index + channel / 10;
  slot.commit(readings.byteLength);
}
console.log(`wrote ${buffers} buffers`);
// Closing ends the flow: consumers read what is left and stop.
await client.close();
