/**
 * Provides a flow as fast as its consumers allow: each buffer is reserved, filled and committed
 * without waiting while there is room.
 */
import { connect, type OutputSlot } from 'mirrorflow';
import { answerQuestions, settingsOf, turn } from './answering.js';
import { Tally } from './sample.js';

export interface FlowProviderSettings {
  readonly app: string;
  readonly flow: string;
  readonly size: number;
  readonly buffers: number;
  readonly consumers: number;
  /**
   * Payloads are copied in; otherwise they stay what they are, as for a program that computes in
   * place.
   */
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
for (let left = turnBuffers; ; left = turnBuffers) {
  while ((left = writeWhatFits(left)) > 0) write(await output.reserve());
  tally.bytes = tally.buffers * size;
  await turn();
}

/** Without waiting, `most` at most. Returns how many are left. */
function writeWhatFits(most: number): number {
  let left = most;
  for (; left > 0; left -= 1) {
    const slot = output.reserveNow();
    if (slot === undefined) break;
    write(slot);
  }
  return left;
}

function write(slot: OutputSlot): void {
  if (fill) slot.data.set(source);
  slot.commit(size);
  tally.buffers += 1;
}
