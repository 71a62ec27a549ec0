/** When buffers of another host are published and acknowledged: pure parts, with a manual clock. */
import { expect } from 'chai';
import { Acknowledger } from '../../../duplicator/remote/acknowledger.js';
import type { FlowSink } from '../../../duplicator/remote/flow-sink.js';
import { PublicationBatch } from '../../../duplicator/remote/publication-batch.js';
import type { Clock } from '../../../protocol/base/clock.js';

/** A sink that counts, with a clock whose timers the test runs. */
class SinkRig implements Clock {
  timeMs = 1_000;
  timers: (() => void)[] = [];
  next = 0;
  published = 0;
  readonly acknowledgeEvery = 4;

  get sink(): FlowSink {
    return this as unknown as FlowSink;
  }

  get unseen(): number {
    return this.next - this.published;
  }

  nowMs(): number {
    return this.timeMs;
  }

  after(_delayMs: number, action: () => void): () => void {
    this.timers.push(action);
    return () => (this.timers = this.timers.filter((timer) => timer !== action));
  }

  flush(): void {
    this.published = this.next;
  }
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the receiving end of a link between hosts', () => {
  it('single buffers are acknowledged together by one timer', () => {
    const rig = new SinkRig();
    const sent: number[] = [];
    const acknowledger = new Acknowledger(rig, rig.sink, (sequence) => sent.push(sequence));
    for (rig.next = 1; rig.next <= 3; rig.next += 1) {
      rig.flush();
      acknowledger.published(rig.published);
    }
    expect([sent, rig.timers.length]).to.deep.equal([[], 1]);
    rig.next = 3;
    for (const timer of rig.timers.splice(0)) timer();
    expect([sent, acknowledger.acknowledged]).to.deep.equal([[3], 3]);
  });

  it('a quarter of the sender’s ring is acknowledged at once, and nothing twice', () => {
    const rig = new SinkRig();
    const sent: number[] = [];
    const acknowledger = new Acknowledger(rig, rig.sink, (sequence) => sent.push(sequence));
    acknowledger.published(4);
    acknowledger.published(4);
    acknowledger.acknowledge(2);
    expect([sent, rig.timers.length]).to.deep.equal([[4], 0]);
  });

  it('the first buffer is published at once, and a burst behind it when it ends', async () => {
    const rig = new SinkRig();
    const batch = new PublicationBatch(rig, rig.sink, () => rig.flush());
    rig.next = 1;
    expect(batch.isFirst).to.equal(true);
    batch.arrived();
    expect([rig.published, batch.isFirst]).to.deep.equal([1, false]);
    rig.next = 2;
    batch.arrived();
    expect(rig.published).to.equal(1);
    rig.next = 3;
    await nextTurn();
    await nextTurn();
    expect(rig.published).to.equal(3);
  });

  it('a burst is published after a quarter of the sender’s ring', () => {
    const rig = new SinkRig();
    const batch = new PublicationBatch(rig, rig.sink, () => rig.flush());
    rig.next = 1;
    batch.arrived();
    for (rig.next = 2; rig.next < 5; rig.next += 1) batch.arrived();
    expect(rig.published).to.equal(1);
    batch.arrived();
    expect(rig.published).to.equal(5);
  });

  it('a stopped link publishes no deferred burst', async () => {
    const rig = new SinkRig();
    const batch = new PublicationBatch(rig, rig.sink, () => rig.flush());
    rig.next = 1;
    batch.arrived();
    rig.next = 2;
    batch.arrived();
    batch.stop();
    await nextTurn();
    await nextTurn();
    expect(rig.published).to.equal(1);
  });
});
