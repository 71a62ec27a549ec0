/**
 * The peer of a consumer: hears what is published through Redis or NATS, counts it, and
 * acknowledges a quarter of the window at a time.
 */
import { answerQuestions, settingsOf } from './answering.js';
import {
  ACKNOWLEDGED,
  BUFFERS,
  connectBroker,
  encodeAcknowledgement,
  type BrokerSettings,
} from './broker.js';
import { acknowledgementInterval } from './publication-window.js';
import { Tally } from './sample.js';

const settings = settingsOf<BrokerSettings>();
const interval = acknowledgementInterval(settings.window);
const broker = await connectBroker(settings);
const tally = new Tally();
await broker.subscribe(BUFFERS, (payload) => {
  tally.buffers += 1;
  tally.bytes += payload.length;
  if (tally.buffers % interval === 0)
    void broker.publish(ACKNOWLEDGED, encodeAcknowledgement(process.pid, tally.buffers));
});
answerQuestions({ sample: () => tally.sample() });
