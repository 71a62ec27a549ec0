/**
 * Provides detector events, a flow type of our own.
 *
 *     node dist/examples/typed-flow/provider.js [APPLICATION] [BUFFERS]
 *
 * Starts to write when consumer.js has opened the flow.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mirrorflow';
import { detectorEvents } from './detector-events.js';

const POLL_INTERVAL_MS = 20;
const [app = 'demo', buffers = '100'] = process.argv.slice(2);

const client = await connect({ app, name: 'detector' });
const out = await client.openOutput('events', { type: detectorEvents('clover'), maxBytes: 4096 });

// A consumer that opens the flow later starts with the oldest buffer of the ring. The counter
// includes this program.
async function consumers(): Promise<number> {
  const { clients = 0 } = await client.statistics('events');
  return clients - 1;
}
while ((await consumers()) < 1) await sleep(POLL_INTERVAL_MS);
for (let event = 0; event < Number(buffers); event += 1) {
  const hits = Uint32Array.from({ length: event % 8 }, (_, hit) => (event << 16) | hit);
  await out.write({ runNumber: 42, triggerMask: 1 << (event % 4), hits });
}
console.log(`wrote ${buffers} buffers`);
await client.close();
