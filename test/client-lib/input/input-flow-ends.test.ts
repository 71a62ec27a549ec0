/**
 * What becomes of an input flow whose source, link or file changes or ends, with a flow thread and
 * inline alike.
 */
import { expect } from 'chai';
import { endDetachedInputFlow, reattachInputFlow } from '../../../client-lib/input/input-flow.js';
import { until } from '../../fixtures/flow-double.js';
import { eitherWay } from './input-flow-rig.js';

eitherWay('the end of an input flow, and what goes on after it', ({ double, open }) => {
  it('tells state changes of the source', async () => {
    const from = await double();
    from.setState('live');
    const flow = await open(from);
    await until(() => flow.sourceState === 'live');
    const told: string[] = [];
    flow.on('state', (state) => told.push(state));
    from.setState('stale');
    await until(() => told.length === 1);
    from.setState('ended');
    await until(() => told.length === 2);
    expect(told).to.deep.equal(['stale', 'ended']);
    expect(flow.sourceState).to.equal('ended');
  });

  it('goes on in a new epoch and tells it', async () => {
    const from = await double();
    from.publish(3);
    const flow = await open(from);
    const restarts: number[] = [];
    flow.on('restarted', (epoch) => restarts.push(epoch));
    for (let taken = 0; taken < 3; taken += 1) expect((await flow.take())?.epoch).to.equal(flow.epoch);
    const next = flow.take();
    from.restart(9);
    from.publish(1);
    expect(await next).to.include({ sequence: 0, epoch: 9 });
    await until(() => restarts.length === 1);
    expect(restarts).to.deep.equal([9]);
    expect(flow.epoch).to.equal(9);
  });

  it('delivers what it has when the link ends, then ends', async () => {
    const from = await double();
    from.publish(3);
    const flow = await open(from);
    await until(() => flow.ready === 3);
    const ends: string[] = [];
    flow.on('end', ({ by }) => ends.push(by));
    from.cut();
    await until(() => ends.length === 1);
    expect(flow.ended).to.equal(false);
    const seen: number[] = [];
    for await (const buffer of flow) seen.push(buffer.sequence);
    expect(seen).to.deep.equal([0, 1, 2]);
    expect(flow.ended).to.equal(true);
    expect(flow.takeSync(1000)).to.equal(undefined);
    expect(await flow.take()).to.equal(undefined);
    expect(ends).to.deep.equal(['peer']);
  });

  it('answers a take that waits when the link ends', async () => {
    const from = await double();
    const flow = await open(from);
    const waiting = flow.take();
    from.cut();
    expect(await waiting).to.equal(undefined);
    expect(flow.ended).to.equal(true);
  });

  it('answers takes that wait when it is closed, and closes as often as one likes', async () => {
    const from = await double();
    const flow = await open(from);
    const ends: string[] = [];
    flow.on('end', ({ by }) => ends.push(by));
    const waiting = flow.take();
    await Promise.all([flow.close(), flow.close()]);
    expect(await waiting).to.equal(undefined);
    expect(flow.closed).to.equal(true);
    expect(flow.takeNow()).to.equal(undefined);
    expect(flow.poll(() => {})).to.equal(0);
    expect(ends).to.deep.equal(['us']);
    await until(() => from.consumers.size === 0);
  });

  it('holds when told so, and goes on at another file and link without loss or repetition', async () => {
    const from = await double();
    const to = await double();
    from.publish(6);
    to.publish(9);
    const flow = await open(from, {}, 'hold');
    for (let taken = 0; taken < 4; taken += 1) expect((await flow.take())?.sequence).to.equal(taken);
    const told: string[] = [];
    flow.on('detached', ({ by }) => told.push(`detached ${by}`));
    flow.on('end', () => told.push('end'));
    from.cut();
    await until(() => told.length === 1);
    expect((await flow.take())?.sequence).to.equal(4);
    await reattachInputFlow(flow, to.opened);
    for (let sequence = 5; sequence < 9; sequence += 1)
      expect((await flow.take())?.sequence).to.equal(sequence);
    const next = flow.take();
    to.publish(1);
    expect((await next)?.sequence).to.equal(9);
    expect(flow.lost).to.equal(0);
    expect(told).to.deep.equal(['detached peer']);
  });

  it('tells another epoch at another file', async () => {
    const from = await double();
    const to = await double({ epoch: 4 });
    from.publish(2);
    to.publish(1);
    const flow = await open(from, {}, 'hold');
    expect((await flow.take())?.sequence).to.equal(0);
    expect((await flow.take())?.sequence).to.equal(1);
    const epochs: number[] = [];
    flow.on('restarted', (epoch) => epochs.push(epoch));
    await reattachInputFlow(flow, to.opened);
    expect(flow.epoch).to.equal(4);
    expect(await flow.take()).to.include({ sequence: 0, epoch: 4 });
    await until(() => epochs.length > 0);
    expect(epochs).to.deep.equal([4]);
  });

  it('ends after all when a held flow is finished', async () => {
    const from = await double();
    const flow = await open(from, {}, 'hold');
    const waiting = flow.take();
    const detached = new Promise((resolve) => flow.once('detached', resolve));
    from.cut();
    await detached;
    expect(flow.ended).to.equal(false);
    endDetachedInputFlow(flow);
    expect(await waiting).to.equal(undefined);
    expect(flow.ended).to.equal(true);
  });
});
