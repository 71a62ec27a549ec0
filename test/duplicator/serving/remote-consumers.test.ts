/**
 * The places of receivers on other hosts, without a socket: who is one of those that were awaited,
 * and for how long a place is kept.
 */
import { expect } from 'chai';
import { ConsumerRegistry } from '../../../duplicator/serving/consumer-registry.js';
import { RemoteConsumers, type RemoteReceiver } from '../../../duplicator/serving/remote-consumers.js';
import { ManualClock } from '../manual-clock.js';

const KEEP_MS = 100;

describe('the receivers of a flow on other hosts', () => {
  const told: string[] = [];
  let registry: ConsumerRegistry;
  let clock: ManualClock;
  let remotes: RemoteConsumers;
  beforeEach(() => {
    told.length = 0;
    registry = new ConsumerRegistry();
    clock = new ManualClock();
    let id = 0;
    remotes = new RemoteConsumers(clock, KEEP_MS, {
      registry,
      nextId: () => (id += 1),
      published: () => 100,
      oldest: (_delivery, wanted) => Math.max(wanted, Math.min(registry.slowest(), 90)),
      returned: () => told.push('returned') > 0,
      left: () => void told.push('left'),
      changed: () => undefined,
      acknowledged: () => undefined,
      isHolding: () => false,
    });
  });

  const receiver = (closed: () => void = () => undefined): RemoteReceiver => ({
    published: () => undefined,
    stateChanged: () => undefined,
    demoted: () => undefined,
    close: closed,
    peer: 'there',
    sentBytes: 0,
  });
  const wanted = (id: string, resume: number) => ({ id, delivery: 'lossless', resume }) as const;

  it('count once as one who is back, however often their link is cut', () => {
    for (let links = 0; links < 3; links += 1) remotes.join(wanted('c', 80), receiver()).leave(false);
    expect(told).to.deep.equal(['returned']);
    remotes.join(wanted('c', 80), receiver()).leave(true);
    expect(told).to.deep.equal(['returned', 'left']);
    expect(remotes.lossless).to.equal(0);
  });

  it('keep what they hold when they come again before their dead connection was noticed', () => {
    const first = remotes.join(wanted('c', 95), receiver());
    const held: number[] = [];
    const old = remotes.join(
      wanted('d', 80),
      receiver(() => {
        old.leave(true); // as a connection that says farewell does
        held.push(registry.slowest());
      }),
    );
    expect(old.consumer.acknowledged).to.equal(90);
    const again = remotes.join(wanted('d', 90), receiver());
    expect(held).to.deep.equal([90]);
    expect([again.consumer.acknowledged, registry.slowest()]).to.deep.equal([90, 90]);
    expect(told).to.deep.equal(['returned', 'returned']);
    first.leave(true);
  });

  it('are in the count of those that hold the flow as long as their place is kept', () => {
    remotes.join(wanted('c', 95), receiver()).leave(false);
    expect([remotes.size, remotes.lossless, registry.slowest()]).to.deep.equal([0, 1, 95]);
    clock.advance(KEEP_MS);
    expect([remotes.lossless, registry.slowest()]).to.deep.equal([0, Number.POSITIVE_INFINITY]);
  });
});
