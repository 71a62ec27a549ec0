/**
 * The peer of a provider: npm `zeromq`, PUB over ipc. `noDrop` makes it refuse where PUB would
 * drop, so that nothing is lost.
 */
import { Publisher } from 'zeromq';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { Tally } from './sample.js';

const TURN_BUFFERS = 256;

const { endpoint, size, highWater } = settingsOf<{ endpoint: string; size: number; highWater: number }>();
const publisher = new Publisher({ sendHighWaterMark: highWater, linger: 0, noDrop: true });
await publisher.bind(endpoint);
const source = Buffer.alloc(size, 1);
const tally = new Tally();
let started = false;
answerQuestions({ sample: () => tally.sample(), start: () => (started = true) });
while (!started) await turn();
for (;;) {
  for (let count = 0; count < TURN_BUFFERS; count += 1) {
    try {
      await publisher.send(source);
      tally.buffers += 1;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      break; // a subscriber is full: the package offers no way to wait for it
    }
  }
  tally.bytes = tally.buffers * size;
  await turn();
}
