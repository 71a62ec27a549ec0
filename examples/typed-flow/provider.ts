/**
 * Provides detector events: `node provider.js APPLICATION BUFFERS`. Begins when a consumer is
 * attached.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'mirrorflow';
import { detectorEvents } from './detector-events.js';

const CONSUMER_LOOK_MS = 20;
const [app = 'e1', buffers = '100'] = process.argv.slice(2);

const client = await connect({ app, name: 'detector' });
const out = await client.openOutput('events', { type: detectorEvents('clover'), maxBytes: 4096 });

// A consumer that comes late begins with what the ring still has; the counter tells attached
// clients, this one among them.
async function consumers(): Promise<number> {
  const { clients = 0 } = await client.statistics('events');
  return clients - 1;
}
while ((await consumers()) < 1) await sleep(CONSUMER_LOOK_MS);
for (let event = 0; event < Number(buffers); event += 1) {
  const hits = Uint32Array.from({ length: event % 8 }, (_, hit) => (event << 16) | hit);
  await out.write({ runNumber: 42, triggerMask: 1 << (event % 4), hits });
}
console.log(`wrote ${buffers} buffers`);
await client.close();
