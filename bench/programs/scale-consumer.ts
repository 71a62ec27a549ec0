/**
 * Many lossless consumers in one process, `clients` of them, each a client of its own that reads
 * every buffer of all flows in place. Started by `scale`; attaches to the flows of a real system.
 */
import { connect, type InputFlow } from 'mirrorflow';
import { serveRequests, readSettings } from './control-channel.js';
import { Tally } from './sample.js';

export interface ScaleConsumerSettings {
  readonly app: string;
  readonly flows: readonly string[];
  /** Clients, each a consumer of every flow. */
  readonly clients: number;
}

const { app, flows, clients } = readSettings<ScaleConsumerSettings>();
const tally = new Tally();
const inputs: InputFlow[] = [];
for (let count = 0; count < clients; count += 1) {
  const client = await connect({ app, name: `consumer${count}` });
  for (const flow of flows) inputs.push(await client.openInput(flow, { inline: true }));
}
serveRequests({ sample: () => tally.sample() });
await Promise.all(inputs.map(consume));

async function consume(input: InputFlow): Promise<void> {
  for await (const buffer of input) {
    tally.buffers += 1;
    tally.bytes += buffer.size;
  }
}
