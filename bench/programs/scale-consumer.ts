/**
 * Many lossless consumers in one process, `each` of them a client of its own: each takes every
 * buffer of its flows as it comes, in place.
 */
import { connect, type InputFlow } from 'mirrorflow';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

export interface ScaleConsumerSettings {
  readonly app: string;
  readonly flows: readonly string[];
  /** Clients, each a consumer of every flow. */
  readonly each: number;
}

const { app, flows, each } = settingsOf<ScaleConsumerSettings>();
const tally = new Tally();
const inputs: InputFlow[] = [];
for (let count = 0; count < each; count += 1) {
  const client = await connect({ app, name: `consumer${count}` });
  for (const flow of flows) inputs.push(await client.openInput(flow, { inline: true }));
}
answerQuestions({ sample: () => tally.sample() });
await Promise.all(inputs.map(follow));

async function follow(input: InputFlow): Promise<void> {
  for await (const buffer of input) {
    tally.buffers += 1;
    tally.bytes += buffer.size;
  }
}
