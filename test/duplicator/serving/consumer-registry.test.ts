/** The table of consumers: acknowledgements and the slowest lossless one. Pure. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { ConsumerRegistry } from '../../../duplicator/serving/consumer-registry.js';

describe('ConsumerRegistry', () => {
  it('the slowest acknowledgement is that of a lossless consumer, and Infinity without one', () => {
    const registry = new ConsumerRegistry();
    expect(registry.slowest()).to.equal(Number.POSITIVE_INFINITY);
    registry.add(1, 'lossy', 0);
    expect(registry.slowest()).to.equal(Number.POSITIVE_INFINITY);
    registry.add(2, 'lossless', 5);
    registry.add(3, 'lossless', 9);
    expect(registry.slowest()).to.equal(5);
    expect(registry.acknowledge(2, 12, 20, true)).to.equal('accepted');
    expect(registry.slowest()).to.equal(9);
    registry.remove(3);
    expect(registry.slowest()).to.equal(12);
  });

  it('an impossible acknowledgement changes nothing', () => {
    const registry = new ConsumerRegistry();
    const consumer = registry.add(1, 'lossless', 5);
    expect(registry.acknowledge(9, 5, 10, true)).to.equal('unknown');
    expect(registry.acknowledge(1, 11, 10, false)).to.equal('ahead');
    expect(registry.acknowledge(1, 4, 10, false)).to.equal('regressed');
    expect([consumer.acknowledged, consumer.waiting]).to.deep.equal([5, true]);
    expect(registry.acknowledge(1, 5, 10, false)).to.equal('accepted');
    expect([registry.remove(1), registry.remove(1), registry.size]).to.deep.equal([true, false, 0]);
  });

  it('a consumer that begins beyond what is published acknowledges that, and no more', () => {
    const registry = new ConsumerRegistry();
    expect(registry.furthest()).to.equal(0);
    registry.add(1, 'lossless', 12);
    registry.add(2, 'lossy', 3);
    expect(registry.acknowledge(1, 12, 10, true)).to.equal('accepted');
    expect(registry.acknowledge(1, 13, 10, true)).to.equal('ahead');
    expect(registry.acknowledge(1, 13, 13, true)).to.equal('accepted');
    expect(registry.furthest()).to.equal(13);
  });

  it('lossless consumers are counted, those on other hosts apart', () => {
    const registry = new ConsumerRegistry();
    const ids = Array.from({ length: 4 }, () => registry.nextId());
    expect(new Set(ids).size).to.equal(4);
    registry.add(ids[0]!, 'lossless', 0);
    registry.add(ids[1]!, 'lossy', 0);
    const remote = registry.add(ids[2]!, 'lossless', 0, true);
    registry.add(ids[3]!, 'lossy', 0, true);
    expect(registry.countLossless()).to.deep.equal({ total: 2, remote: 1 });
    remote.delivery = 'lossy';
    expect(registry.countLossless()).to.deep.equal({ total: 1, remote: 0 });
  });

  it('the slowest acknowledgement is right after any sequence of changes', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom('add', 'ack', 'back', 'pause', 'remove', 'deliver'),
      lossless: fc.boolean(),
      forward: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
        const registry = new ConsumerRegistry();
        const model = new Map<number, { lossless: boolean; acknowledged: number }>();
        for (const { id, what, lossless, forward } of steps) {
          const known = model.get(id);
          if (what === 'add' && known === undefined) {
            registry.add(id, lossless ? 'lossless' : 'lossy', forward);
            model.set(id, { lossless, acknowledged: forward });
          } else if (what === 'remove') {
            registry.remove(id);
            model.delete(id);
          } else if (what === 'deliver' && known !== undefined) {
            const consumer = registry.get(id);
            if (consumer !== undefined) consumer.delivery = lossless ? 'lossless' : 'lossy';
            known.lossless = lossless;
          } else if (what === 'pause' && known !== undefined) {
            const consumer = registry.get(id);
            if (consumer !== undefined) consumer.paused = lossless;
          } else if (what === 'back' && known !== undefined) {
            // As a receiver of another host that resumes.
            known.acknowledged = forward;
            const consumer = registry.get(id);
            if (consumer !== undefined) consumer.acknowledged = forward;
          } else if (known !== undefined) {
            known.acknowledged += forward;
            registry.acknowledge(id, known.acknowledged, 1e9, false);
          }
          const needed = [...model.values()].filter((one) => one.lossless).map((one) => one.acknowledged);
          expect(registry.slowest()).to.equal(Math.min(...needed));
        }
      }),
    );
  });
});
