/**
 * The peer of a consumer in `fanout`: npm `zeromq`, SUB over ipc. The package allocates memory for
 * each message, so that nothing more is copied here.
 */
import { Subscriber } from 'zeromq';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

const { endpoint, highWater } = readSettings<{ endpoint: string; highWater: number }>();
const subscriber = new Subscriber({ receiveHighWaterMark: highWater, linger: 0 });
subscriber.subscribe();
subscriber.connect(endpoint);
const tally = new Tally();
serveRequests({ sample: () => tally.sample() });
for await (const [message] of subscriber) {
  tally.buffers += 1;
  tally.bytes += message?.length ?? 0;
}
