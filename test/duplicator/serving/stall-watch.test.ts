/** When a lossless consumer counts as stalled, with a manual clock. */
import { expect } from 'chai';
import { ConsumerRegistry, type Consumer } from '../../../duplicator/serving/consumer-registry.js';
import { StallWatch } from '../../../duplicator/serving/stall-watch.js';
import { ManualClock } from '../../kit/manual-clock.js';

const SLOTS = 4;

describe('StallWatch', () => {
  let clock: ManualClock;
  let registry: ConsumerRegistry;
  let published: number;
  let stalled: number[];
  let watch: StallWatch;

  const blocking = (): ReadonlySet<Consumer> =>
    new Set(
      [...registry.all()].filter(
        ({ delivery, acknowledged }) => delivery === 'lossless' && acknowledged + SLOTS <= published,
      ),
    );

  beforeEach(() => {
    clock = new ManualClock();
    registry = new ConsumerRegistry();
    published = 0;
    stalled = [];
    watch = new StallWatch(clock, 100, blocking, (consumer) => {
      consumer.delivery = 'lossy';
      stalled.push(consumer.id);
    });
  });

  function publish(until: number): void {
    published = until;
    watch.check();
  }

  function acknowledge(id: number, sequence: number): void {
    registry.acknowledge(id, sequence, published, false);
    watch.check();
  }

  it('a consumer that blocks the writer without an acknowledgement stalls after the timeout', () => {
    registry.add(1, 'lossless', 0);
    publish(SLOTS);
    clock.advance(99);
    expect(stalled).to.deep.equal([]);
    clock.advance(1);
    expect(stalled).to.deep.equal([1]);
    expect(clock.delaysMs).to.deep.equal([]);
  });

  it('the stall timeout begins when the ring is full', () => {
    registry.add(1, 'lossless', 0);
    publish(SLOTS - 1);
    clock.advance(1000);
    publish(SLOTS);
    clock.advance(99);
    expect(stalled).to.deep.equal([]);
    clock.advance(1);
    expect(stalled).to.deep.equal([1]);
  });

  it('a slow consumer that acknowledges within each timeout never stalls', () => {
    registry.add(1, 'lossless', 0);
    publish(SLOTS);
    for (let sequence = 1; sequence < 20; sequence += 1) {
      clock.advance(99);
      acknowledge(1, sequence);
      publish(sequence + SLOTS);
    }
    expect(stalled).to.deep.equal([]);
  });

  it('only consumers that block the writer stall, each after its own timeout', () => {
    registry.add(1, 'lossless', 0);
    registry.add(2, 'lossless', 2);
    registry.add(3, 'lossy', 0);
    publish(SLOTS);
    clock.advance(100);
    expect(stalled).to.deep.equal([1]);
    publish(SLOTS + 2);
    clock.advance(99);
    expect(stalled).to.deep.equal([1]);
    clock.advance(1);
    expect(stalled).to.deep.equal([1, 2]);
  });

  it('a removed consumer and a timeout of 0 leave no timer', () => {
    registry.add(1, 'lossless', 0);
    publish(SLOTS);
    registry.remove(1);
    watch.check();
    expect(clock.delaysMs).to.deep.equal([]);
    registry.add(2, 'lossless', 0);
    publish(SLOTS);
    watch.timeoutMs = 0;
    expect(clock.delaysMs).to.deep.equal([]);
    clock.advance(1000);
    expect(stalled).to.deep.equal([]);
  });

  it('a stopped watch has no timer, demotes no consumer and forgets how long one has blocked', () => {
    registry.add(1, 'lossless', 0);
    publish(SLOTS);
    clock.advance(99);
    watch.stop();
    expect(clock.delaysMs).to.deep.equal([]);
    clock.advance(1000);
    expect(stalled).to.deep.equal([]);
    watch.check();
    expect(clock.delaysMs).to.deep.equal([100]);
    watch.stop();
  });

  it('the timeout that a provider asked for ends with it', () => {
    registry.add(1, 'lossless', 0);
    watch.timeoutMs = 5_000;
    publish(SLOTS);
    clock.advance(100);
    expect([stalled, watch.timeoutMs]).to.deep.equal([[], 5_000]);
    watch.resetTimeout();
    expect([stalled, watch.timeoutMs]).to.deep.equal([[1], 100]);
  });
});
