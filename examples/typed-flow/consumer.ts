/**
 * Counts the hits of detector events, a flow type of our own.
 *
 *     node dist/examples/typed-flow/consumer.js [APPLICATION] [BUFFERS]
 *
 * The flow's provider, provider.js, may start later than this program.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, isMirrorflowError } from 'mirrorflow';
import { detectorEvents } from './detector-events.js';

const POLL_INTERVAL_MS = 20;
const [app = 'demo', buffers = '100'] = process.argv.slice(2);

const client = await connect({ app, name: 'hit-counter' });
async function open() {
  for (;;) {
    try {
      return await client.openInput('events', { type: detectorEvents('clover'), history: 64 });
    } catch (error) {
      if (!isMirrorflowError(error, 'UNKNOWN_FLOW')) throw error;
      await sleep(POLL_INTERVAL_MS);
    }
  }
}
const events = await open();

let taken = 0;
let hits = 0;
let calibrations = 0;
for await (const buffer of events) {
  taken += 1;
  if (buffer.error !== undefined) {
    console.error(buffer.error.message);
  } else {
    if (buffer.triggeredBy(3)) calibrations += 1;
    hits += buffer.value.hits.length;
  }
  if (taken === Number(buffers)) break;
}
console.log(`took ${taken} buffers with ${hits} hits, ${calibrations} of trigger 3`);
await client.close();
