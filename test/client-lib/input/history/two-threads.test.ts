/** The history between two real threads: every buffer whole, in order, once, and counted. */
import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { HistoryConsumer } from '../../../../client-lib/input/history/history-consumer.js';
import { ControlBlock } from '../../../../client-lib/input/history/control-block.js';
import type { FullPolicy, HistoryRules } from '../../../../client-lib/input/history/history-rules.js';
import type { Segment } from '../../../../client-lib/input/history/segment-table.js';
import type { FillerTask } from '../../../fixtures/history-filler.js';

const TOTAL = 60_000;
const PAYLOAD_BYTES = 200;
const HELD = 3;

function isWhole(view: Uint8Array, sequence: number): boolean {
  let sum = sequence;
  for (let at = 4; at < view.length; at += 1) sum = (sum + (view[at] ?? 0)) >>> 0;
  return view[0] === (sum & 0xff) && view[1] === ((sum >>> 8) & 0xff);
}

async function run(rules: HistoryRules): Promise<{ taken: number; lost: number; capacity: number }> {
  const control = ControlBlock.create(rules.maxHistory);
  const { port1, port2 } = new MessageChannel();
  const consumer = new HistoryConsumer(
    control,
    rules.whenFull === 'overwrite',
    () => receiveMessageOnPort(port1)?.message as Segment | undefined,
  );
  const workerData: FillerTask = {
    control: control.memory,
    segments: port2,
    rules,
    payloadBytes: PAYLOAD_BYTES,
    total: TOTAL,
  };
  const worker = new Worker(new URL('../../../fixtures/history-filler.js', import.meta.url), {
    workerData,
    transferList: [port2],
  });
  const filler = { done: false };
  worker.once('message', () => {
    filler.done = true;
  });
  const exited = once(worker, 'exit');
  const held: number[] = [];
  let taken = 0;
  let last = -1;
  const record = { sequence: 0, epoch: 0, timestampNs: 0, size: 0, flags: 0 };
  const release = (keep: number): void => {
    while (held.length > keep) {
      // In another order than they were taken.
      const [index] = held.splice((taken * 7) % held.length, 1);
      consumer.release(index!);
    }
  };
  while (!filler.done || consumer.ready > 0) {
    // The filler reports its end by a message.
    await new Promise((resolve) => setImmediate(resolve));
    for (let index = consumer.take(); index >= 0; index = consumer.take()) {
      const view = consumer.read(index, record);
      const { sequence } = record;
      if (sequence <= last || !isWhole(view, sequence))
        throw new Error(`buffer ${sequence} after ${last} is torn or out of order`);
      last = sequence;
      taken += 1;
      held.push(index);
      release(HELD);
      if (consumer.shouldWakeThread()) worker.postMessage('room');
      if (taken % 64 === 0) break;
    }
    release(0);
    if (consumer.shouldWakeThread()) worker.postMessage('room');
  }
  worker.postMessage('end');
  await exited;
  port1.close();
  return { taken, lost: consumer.lost, capacity: consumer.capacity };
}

describe('a history between two threads', () => {
  for (const whenFull of ['block', 'overwrite', 'drop', 'grow'] satisfies FullPolicy[]) {
    it(`the policy ${whenFull} keeps every buffer whole and counted between two threads`, async () => {
      const maxHistory = whenFull === 'grow' ? 64 : 8;
      const { taken, lost, capacity } = await run({ history: 8, whenFull, maxHistory });
      expect(taken + lost).to.equal(TOTAL);
      if (whenFull === 'block' || whenFull === 'grow') expect(lost).to.equal(0);
      expect(capacity).to.be.within(8, maxHistory);
    });
  }

  it('a history with watermarks loses nothing between two threads', async () => {
    const { taken, lost } = await run({
      history: 8,
      whenFull: 'block',
      maxHistory: 8,
      watermarks: { high: 6, low: 2 },
    });
    expect(taken).to.equal(TOTAL);
    expect(lost).to.equal(0);
  });
});
