/** Many lossless consumers in one process: each takes every buffer of its flow as it comes, in place. */
import { connect, type InputFlow } from '../../client-lib/index.js';
import { answerQuestions, settingsOf } from './answering.js';
import { Tally } from './sample.js';

export interface ScaleConsumerSettings {
  readonly app: string;
  readonly flows: readonly string[];
  /** Consumers of each flow. */
  readonly each: number;
}

const { app, flows, each } = settingsOf<ScaleConsumerSettings>();
const client = await connect({ app, name: 'consumers' });
const tally = new Tally();
const inputs: InputFlow[] = [];
for (const flow of flows) {
  for (let count = 0; count < each; count += 1) inputs.push(await client.openInput(flow, { inline: true }));
}
answerQuestions({ sample: () => tally.sample() });
await Promise.all(inputs.map(follow));

async function follow(input: InputFlow): Promise<void> {
  for await (const buffer of input) {
    tally.buffers += 1;
    tally.bytes += buffer.size;
  }
}
