/**
 * The peer of a provider in `fanout`: npm `zeromq`, PUB over ipc. With `noDrop` it refuses a
 * message where PUB would drop it, so that nothing is lost.
 */
import { Publisher } from 'zeromq';
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import { Tally } from './sample.js';

/** Buffers between two turns of the event loop. */
const TURN_BUFFERS = 256;

const { endpoint, size, highWater } = readSettings<{ endpoint: string; size: number; highWater: number }>();
const publisher = new Publisher({ sendHighWaterMark: highWater, linger: 0, noDrop: true });
await publisher.bind(endpoint);
const source = Buffer.alloc(size, 1);
const tally = new Tally();
let started = false;
serveRequests({ sample: () => tally.sample(), start: () => (started = true) });
while (!started) await nextTurn();
for (;;) {
  for (let count = 0; count < TURN_BUFFERS; count += 1) {
    try {
      await publisher.send(source);
      tally.buffers += 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      break; // a queue is full: the package has no call that waits for room
    }
  }
  tally.bytes = tally.buffers * size;
  await nextTurn();
}
