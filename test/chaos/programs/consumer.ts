/**
 * A consumer of the chaos run: `consumer APP FLOW DELIVERY [EPOCH SEQUENCE]` checks every buffer
 * and prints `A` when it has attached to a duplicator, `D run first last epoch sequence writtenMs`
 * for each range of numbers without a gap, and `T …` for a torn buffer. With EPOCH and SEQUENCE it
 * continues there, if the flow still has that epoch.
 */
import type { Client, FlowBuffer, InputFlow } from 'mirrorflow';
import { readProof } from '../numbered-buffer.js';
import { connected, endWithParent, report, untilDone } from './chaos-client.js';

const [app = '', flow = '', delivery = 'lossless', epochText, sequenceText] = process.argv.slice(2);
endWithParent();
const client = await connected(app, `consumer-${flow}`);
client.on('status', ({ status }) => {
  if (status === 'reattached') report('A');
});
let epoch = Number(epochText ?? 0);
let sequence = Number(sequenceText ?? 0);
for (;;) {
  const input = await untilDone('open', () => open(client));
  report('A');
  for (;;) {
    const buffer = await input.take();
    if (buffer === undefined) break;
    deliver([buffer]);
    deliver(input.takeAll());
  }
  report('N the flow ended');
}

/** Continues at `sequence` if the flow still has the epoch, which only an opened flow reveals. */
async function open(from: Client): Promise<InputFlow> {
  const options = { history: 64, delivery: delivery === 'lossy' ? 'lossy' : 'lossless' } as const;
  const input = await from.openInput(flow, { ...options, start: sequence });
  if (sequence === 0 || input.epoch === epoch) return input;
  const oldest = await from.openInput(flow, { ...options, start: 'oldest' });
  await input.close();
  return oldest;
}

function deliver(buffers: readonly FlowBuffer[]): void {
  let run = -1;
  let first = 0;
  let last = 0;
  let writtenMs = 0;
  const reportRange = (): void => {
    if (run >= 0) report(`D ${run} ${first} ${last} ${epoch} ${sequence} ${writtenMs}`);
  };
  for (const buffer of buffers) {
    const proof = readProof(buffer.data);
    if (!proof.whole) report(`T run ${proof.run} number ${proof.number} sequence ${buffer.sequence}`);
    if (proof.run !== run || proof.number !== last + 1) {
      reportRange();
      run = proof.run;
      first = proof.number;
    }
    last = proof.number;
    writtenMs = proof.writtenMs;
    epoch = buffer.epoch;
    sequence = buffer.sequence + 1;
  }
  reportRange();
}
