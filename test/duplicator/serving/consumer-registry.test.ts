import { expect } from 'chai';
import * as fc from 'fast-check';
import { ConsumerRegistry } from '../../../duplicator/serving/consumer-registry.js';

describe('the consumer registry', () => {
  it('lets the writer go as far as the slowest lossless consumer and the ring allow', () => {
    const registry = new ConsumerRegistry();
    expect(registry.credit(8)).to.equal(Number.POSITIVE_INFINITY);
    registry.add(1, 'lossy', 0);
    expect(registry.credit(8)).to.equal(Number.POSITIVE_INFINITY);
    registry.add(2, 'lossless', 5);
    registry.add(3, 'lossless', 9);
    expect(registry.credit(8)).to.equal(13);
    expect(registry.acknowledge(2, 12, 20, true)).to.equal('accepted');
    expect(registry.credit(8)).to.equal(17);
    registry.remove(3);
    expect(registry.credit(8)).to.equal(20);
  });

  it('changes nothing for an impossible acknowledgement', () => {
    const registry = new ConsumerRegistry();
    const consumer = registry.add(1, 'lossless', 5);
    expect(registry.acknowledge(9, 5, 10, true)).to.equal('unknown');
    expect(registry.acknowledge(1, 11, 10, false)).to.equal('ahead');
    expect(registry.acknowledge(1, 4, 10, false)).to.equal('regressed');
    expect([consumer.acknowledged, consumer.waiting]).to.deep.equal([5, true]);
    expect(registry.acknowledge(1, 5, 10, false)).to.equal('accepted');
    expect([registry.remove(1), registry.remove(1), registry.size]).to.deep.equal([true, false, 0]);
  });

  it('never grants a sequence whose slot a lossless consumer still needs', () => {
    const step = fc.record({
      id: fc.integer({ min: 0, max: 4 }),
      what: fc.constantFrom('add', 'ack', 'remove', 'deliver'),
      lossless: fc.boolean(),
      forward: fc.nat({ max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), fc.integer({ min: 2, max: 9 }), (steps, slots) => {
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
          } else if (known !== undefined) {
            known.acknowledged += forward;
            registry.acknowledge(id, known.acknowledged, 1e9, false);
          }
          const needed = [...model.values()].filter((one) => one.lossless).map((one) => one.acknowledged);
          expect(registry.credit(slots)).to.equal(Math.min(...needed) + slots);
        }
      }),
    );
  });
});
