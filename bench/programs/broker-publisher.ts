/**
 * The peer of a provider in `fanout`: publishes through Redis or NATS, at most a window ahead of
 * the slowest subscriber. Started by `fanout-peers.ts`; connects to the server of
 * `broker-server.ts`.
 */
import { serveRequests, readSettings, nextTurn } from './control-channel.js';
import {
  ACKNOWLEDGED,
  BUFFERS,
  connectBroker,
  decodeAcknowledgement,
  type BrokerSettings,
} from './broker.js';
import { PublicationWindow } from './publication-window.js';

/**
 * After this many buffers the program waits for the server's replies (Redis) or for the next turn
 * of the event loop (NATS), so that the client writes and acknowledgements are received. Redis is
 * three times as fast with 256 pending replies as with a whole window, and equally fast with half
 * or twice as many.
 */
const TURN_BUFFERS = 256;

const settings = readSettings<BrokerSettings>();
const window = new PublicationWindow(settings.consumers, settings.window);
const broker = await connectBroker(settings);
await broker.subscribe(ACKNOWLEDGED, (payload) => {
  const { subscriber, buffers } = decodeAcknowledgement(payload);
  window.acknowledge(subscriber, buffers);
});
const source = Buffer.alloc(settings.size, 1);
let start: () => void = () => {};
const started = new Promise<void>((resolve) => (start = resolve));
serveRequests({ start: () => start() });
await started;
let lastReply: Promise<unknown> | undefined;
for (;;) {
  await window.waitForRoom();
  for (let count = Math.min(window.room, TURN_BUFFERS); count > 0; count -= 1) {
    lastReply = broker.publish(BUFFERS, source);
    window.add();
  }
  await (lastReply ?? nextTurn());
}
