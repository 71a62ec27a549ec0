/**
 * The peer of a consumer: npm `zeromq`, SUB over ipc. Each message is memory of its own already, so
 * nothing more is copied.
 */
import { Subscriber } from 'zeromq';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

const { endpoint, highWater } = settingsOf<{ endpoint: string; highWater: number }>();
const subscriber = new Subscriber({ receiveHighWaterMark: highWater, linger: 0 });
subscriber.subscribe();
subscriber.connect(endpoint);
const tally = new Tally();
answerQuestions({ sample: () => tally.sample() });
for await (const [message] of subscriber) {
  tally.buffers += 1;
  tally.bytes += message?.length ?? 0;
}
