/** Input flows of both engines whose source, link or file changes or ends. */
import { expect } from 'chai';
import { endDetachedInputFlow, reattachInputFlow } from '../../../client-lib/input/input-flow.js';
import { withBothEngines } from './input-flow-rig.js';
import { eventually } from '../../kit/eventually.js';

withBothEngines('the end and the reattachment of an input flow', ({ double, open }) => {
  it('an input flow emits the state changes of its source', async () => {
    const from = await double();
    from.setState('live');
    const flow = await open(from);
    await eventually(() => flow.sourceState === 'live');
    const events: string[] = [];
    flow.on('state', (state) => events.push(state));
    from.setState('stale');
    await eventually(() => events.length === 1);
    from.setState('ended');
    await eventually(() => events.length === 2);
    expect(events).to.deep.equal(['stale', 'ended']);
    expect(flow.sourceState).to.equal('ended');
  });

  it('an input flow continues in a new epoch and emits restarted', async () => {
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
    await eventually(() => restarts.length === 1);
    expect(restarts).to.deep.equal([9]);
    expect(flow.epoch).to.equal(9);
  });

  it('ready buffers can be taken after the link has ended, then the flow is at its end', async () => {
    const from = await double();
    from.publish(3);
    const flow = await open(from);
    await eventually(() => flow.ready === 3);
    const ends: string[] = [];
    flow.on('end', ({ by }) => ends.push(by));
    from.cut();
    await eventually(() => ends.length === 1);
    expect(flow.ended).to.equal(false);
    const seen: number[] = [];
    for await (const buffer of flow) seen.push(buffer.sequence);
    expect(seen).to.deep.equal([0, 1, 2]);
    expect(flow.ended).to.equal(true);
    expect(flow.takeSync(1000)).to.equal(undefined);
    expect(await flow.take()).to.equal(undefined);
    expect(ends).to.deep.equal(['peer']);
  });

  it('a waiting take returns undefined when the link ends', async () => {
    const from = await double();
    const flow = await open(from);
    const waiting = flow.take();
    from.cut();
    expect(await waiting).to.equal(undefined);
    expect(flow.ended).to.equal(true);
  });

  it('close settles waiting takes, and can be called repeatedly', async () => {
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
    await eventually(() => from.consumers.size === 0);
  });

  it('a held flow continues at another file and link without loss or repetition', async () => {
    const from = await double();
    const to = await double();
    from.publish(6);
    to.publish(9);
    const flow = await open(from, {}, 'hold');
    for (let taken = 0; taken < 4; taken += 1) expect((await flow.take())?.sequence).to.equal(taken);
    const events: string[] = [];
    flow.on('detached', ({ by }) => events.push(`detached ${by}`));
    flow.on('end', () => events.push('end'));
    from.cut();
    await eventually(() => events.length === 1);
    expect((await flow.take())?.sequence).to.equal(4);
    await reattachInputFlow(flow, to.opened);
    for (let sequence = 5; sequence < 9; sequence += 1)
      expect((await flow.take())?.sequence).to.equal(sequence);
    const next = flow.take();
    to.publish(1);
    expect((await next)?.sequence).to.equal(9);
    expect(flow.lost).to.equal(0);
    expect(events).to.deep.equal(['detached peer']);
  });

  it('a flow that is reattached in another epoch emits restarted', async () => {
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
    await eventually(() => epochs.length > 0);
    expect(epochs).to.deep.equal([4]);
  });

  it('a held flow that will not be reattached can be ended', async () => {
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
