/**
 * A consumer under chaos: `consumer APP FLOW DELIVERY [EPOCH SEQUENCE]`, started by `Reader`. It
 * checks every buffer and reports on standard output: `A` when it is attached to a duplicator, `D
 * run first last epoch sequence writtenMs` for each range of delivered numbers without a gap, `T …`
 * for a torn buffer, `N …` for a problem. With EPOCH and SEQUENCE it resumes there, if the flow
 * still has that epoch (an epoch is one life of a flow file).
 */
import type { Client, FlowBuffer, InputFlow } from 'mirrorflow';
import { readNumberedBuffer } from '../numbered-buffer.js';
import { connectWithRetry, exitWithParent, linkSignal, report, retry } from './chaos-program.js';

const [app = '', flow = '', delivery = 'lossless', epochText, sequenceText] = process.argv.slice(2);
exitWithParent();
const client = await connectWithRetry(app, `consumer-${flow}`);
client.on('status', ({ status }) => {
  if (status === 'reattached') report('A');
});
let epoch = Number(epochText ?? 0);
let sequence = Number(sequenceText ?? 0);
for (;;) {
  const input = await retry('open', () => open(client));
  report('A');
  for (;;) {
    const buffer = await input.take();
    if (buffer === undefined) break;
    deliver([buffer]);
    deliver(input.takeAll());
  }
  report('N the flow ended');
}

/** Resumes at `sequence` when the flow still has the same epoch, which only an opening shows. */
async function open(consumer: Client): Promise<InputFlow> {
  const signal = linkSignal();
  // Datagrams are for the main thread: no flow thread then, buffers are read in the ring.
  const reading = signal.signal === undefined ? { history: 64 } : { inline: true, ...signal };
  const options = { ...reading, delivery: delivery === 'lossy' ? 'lossy' : 'lossless' } as const;
  const input = await consumer.openInput(flow, { ...options, start: sequence });
  if (sequence === 0 || input.epoch === epoch) return input;
  const oldest = await consumer.openInput(flow, { ...options, start: 'oldest' });
  await input.close();
  return oldest;
}

/** Checks buffers and reports each range of consecutive numbers in them. */
function deliver(buffers: readonly FlowBuffer[]): void {
  let run = -1;
  let first = 0;
  let last = 0;
  let writtenMs = 0;
  const reportRange = (): void => {
    if (run >= 0) report(`D ${run} ${first} ${last} ${epoch} ${sequence} ${writtenMs}`);
  };
  for (const buffer of buffers) {
    const numbered = readNumberedBuffer(buffer.bytes);
    if (!buffer.stillValid()) continue; // a lossy reader in the ring was lapped: it counts as lost
    if (!numbered.intact)
      report(`T run ${numbered.run} number ${numbered.number} sequence ${buffer.sequence}`);
    if (numbered.run !== run || numbered.number !== last + 1) {
      reportRange();
      run = numbered.run;
      first = numbered.number;
    }
    last = numbered.number;
    writtenMs = numbered.writtenMs;
    epoch = buffer.epoch;
    sequence = buffer.sequence + 1;
    buffer.release();
  }
  reportRange();
}
