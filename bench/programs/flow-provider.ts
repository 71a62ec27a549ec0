/** Provides a flow as fast as its consumers allow: each buffer is reserved, filled and committed without waiting while there is room. */
import { connect } from '../../client-lib/index.js';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { Tally } from './sample.js';

export interface FlowProviderSettings {
  readonly app: string;
  readonly flow: string;
  readonly size: number;
  readonly buffers: number;
  readonly consumers: number;
  /** Payloads are copied in; otherwise they stay what they are, as for a program that computes in place. */
  readonly fill: boolean;
}

/** Then the event loop turns, to hear questions. */
const TURN_BUFFERS = 65_536;
const TURN_BYTES = 64 * 2 ** 20;

const { app, flow, size, buffers, consumers, fill } = settingsOf<FlowProviderSettings>();
const client = await connect({ app, name: 'provider' });
const output = await client.openOutput(flow, { bufferSize: size, buffers });
const source = Buffer.alloc(size, 1);
const tally = new Tally();
answerQuestions({ sample: () => tally.sample() });
while (output.consumers < consumers) await turn();
const turnBuffers = Math.max(1, Math.min(TURN_BUFFERS, Math.floor(TURN_BYTES / size)));
for (;;) {
  for (let count = 0; count < turnBuffers; count += 1) {
    const slot = output.reserveNow() ?? (await output.reserve());
    if (fill) slot.data.set(source);
    slot.commit(size);
    tally.buffers += 1;
  }
  tally.bytes = tally.buffers * size;
  await turn();
}
