/**
 * A consumer under chaos: `consumer APP FLOW DELIVERY [EPOCH SEQUENCE]`. It checks every buffer and
 * says what it has delivered: `A` when it is attached to a duplicator, `D run first last epoch
 * sequence writtenMs`, a line per run of numbers without a gap, and `T …` for a torn one. Started
 * again with epoch and sequence it goes on there, when the flow is still the same.
 */
import type { Client, FlowBuffer, InputFlow } from 'mirrorflow';
import { readProof } from '../numbered-buffer.js';
import { connected, endWithParent, report, untilDone } from './patience.js';

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

/** Goes on where it was when the flow is still the same one, which only an opening finds out. */
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
  const tell = (): void => {
    if (run >= 0) report(`D ${run} ${first} ${last} ${epoch} ${sequence} ${writtenMs}`);
  };
  for (const buffer of buffers) {
    const proof = readProof(buffer.bytes);
    if (!proof.whole) report(`T run ${proof.run} number ${proof.number} sequence ${buffer.sequence}`);
    if (proof.run !== run || proof.number !== last + 1) {
      tell();
      run = proof.run;
      first = proof.number;
    }
    last = proof.number;
    writtenMs = proof.writtenMs;
    epoch = buffer.epoch;
    sequence = buffer.sequence + 1;
  }
  tell();
}
