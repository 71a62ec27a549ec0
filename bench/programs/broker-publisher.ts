/**
 * The peer of a provider: publishes through Redis or NATS, never further than a window ahead of the
 * slowest subscriber.
 */
import { answerQuestions, settingsOf, turn } from './answering.js';
import {
  ACKNOWLEDGED,
  BUFFERS,
  connectBroker,
  decodeAcknowledgement,
  type BrokerSettings,
} from './broker.js';
import { PublicationWindow } from './publication-window.js';

/**
 * Then the server's answers are awaited, or the event loop turns: so clients write, and
 * acknowledgements are heard. Redis is three times as fast with so many unanswered as with a whole
 * window, and no slower than with half or twice as many.
 */
const TURN_BUFFERS = 256;

const settings = settingsOf<BrokerSettings>();
const window = new PublicationWindow(settings.consumers, settings.window);
const broker = await connectBroker(settings);
await broker.subscribe(ACKNOWLEDGED, (payload) => {
  const { subscriber, buffers } = decodeAcknowledgement(payload);
  window.acknowledge(subscriber, buffers);
});
const source = Buffer.alloc(settings.size, 1);
let begin: () => void = () => {};
const started = new Promise<void>((resolve) => (begin = resolve));
answerQuestions({ start: () => begin() });
await started;
let answered: Promise<unknown> | undefined;
for (;;) {
  await window.opened();
  for (let count = Math.min(window.room, TURN_BUFFERS); count > 0; count -= 1) {
    answered = broker.publish(BUFFERS, source);
    window.add();
  }
  await (answered ?? turn());
}
