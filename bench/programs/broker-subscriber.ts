/**
 * The peer of a consumer in `fanout`: receives and counts what is published through Redis or NATS,
 * and acknowledges a quarter of the window at a time. Started by `fanout-peers.ts`; connects to the
 * server of `broker-server.ts`.
 */
import { serveRequests, readSettings } from './control-channel.js';
import {
  ACKNOWLEDGED,
  BUFFERS,
  connectBroker,
  encodeAcknowledgement,
  type BrokerSettings,
} from './broker.js';
import { acknowledgementInterval } from './publication-window.js';
import { Tally } from './sample.js';

const settings = readSettings<BrokerSettings>();
const interval = acknowledgementInterval(settings.window);
const broker = await connectBroker(settings);
const tally = new Tally();
await broker.subscribe(BUFFERS, (payload) => {
  tally.buffers += 1;
  tally.bytes += payload.length;
  if (tally.buffers % interval === 0)
    void broker.publish(ACKNOWLEDGED, encodeAcknowledgement(process.pid, tally.buffers));
});
serveRequests({ sample: () => tally.sample() });
