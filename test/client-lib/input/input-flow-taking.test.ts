/** Takes of every kind from input flows of both engines. */
import { expect } from 'chai';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { withBothEngines } from './input-flow-rig.js';
import { eventually } from '../../kit/eventually.js';

withBothEngines('taking from an input flow', ({ double, open }) => {
  it('waiting takes are served in the order of their calls', async () => {
    const from = await double();
    const flow = await open(from);
    const order: string[] = [];
    const takes = ['first', 'second', 'third'].map(async (name) => {
      const buffer = await flow.take();
      order.push(`${name} ${buffer?.sequence}`);
    });
    from.publish(1);
    await takes[0];
    from.publish(2);
    await Promise.all(takes);
    expect(order).to.deep.equal(['first 0', 'second 1', 'third 2']);
  });

  it('takeNow does not overtake a waiting take', async () => {
    const from = await double();
    const flow = await open(from);
    const waiting = flow.take();
    from.publish(1);
    // No turn of the event loop: the waiting take must not be answered yet.
    const deadline = performance.now() + 45_000;
    while (flow.ready === 0) expect(performance.now()).to.be.below(deadline);
    expect(flow.takeNow()).to.equal(undefined);
    expect((await waiting)?.sequence).to.equal(0);
  });

  it('an aborted or timed-out take loses no buffer', async () => {
    const from = await double();
    const flow = await open(from);
    const abort = new AbortController();
    const aborted = flow.take({ signal: abort.signal });
    const timed = flow.take({ timeoutMs: 1 });
    const untimed = flow.take();
    abort.abort(new Error('enough'));
    const error = await aborted.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isMirrorflowError(error, 'CLOSED')).to.equal(true);
    expect(await timed).to.equal(undefined);
    expect(flow.ended).to.equal(false);
    from.publish(1);
    expect((await untimed)?.sequence).to.equal(0);
  });

  it('a take with an aborted signal rejects, and a take with timeout 0 returns at once', async () => {
    const from = await double();
    const flow = await open(from);
    const error = await flow.take({ signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
    expect(isMirrorflowError(error, 'CLOSED')).to.equal(true);
    expect(await flow.take({ timeoutMs: 0 })).to.equal(undefined);
  });

  it('takeSync takes with and without waiting', async () => {
    const from = await double();
    from.publish(2);
    const flow = await open(from);
    expect(flow.takeSync(45_000)?.sequence).to.equal(0);
    expect(flow.takeSync(45_000)?.sequence).to.equal(1);
    expect(flow.takeSync(0)).to.equal(undefined);
    expect(flow.takeSync(5)).to.equal(undefined);
    expect(() => flow.takeSync(-1)).to.throw('milliseconds');
    const later = flow.take();
    from.publish(1);
    expect((await later)?.sequence).to.equal(2);
  });

  it('takeAll takes all ready buffers, which stay valid together until the next take', async () => {
    const from = await double();
    from.publish(5);
    const flow = await open(from);
    await eventually(() => flow.ready === 5);
    const taken = flow.takeAll();
    expect(taken.map((buffer) => buffer.sequence)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(taken.map((buffer) => buffer.data[0])).to.deep.equal([0, 1, 2, 3, 4]);
    expect(flow.takeAll()).to.deep.equal([]);
    expect(taken.every((buffer) => buffer.released)).to.equal(true);
    expect(() => taken[0]!.data).to.throw('released');
  });

  it('newest returns the newest buffers without taking them', async () => {
    const from = await double();
    from.publish(5);
    const flow = await open(from);
    await eventually(() => flow.ready === 5);
    expect(flow.newest(2).map((buffer) => [buffer.sequence, buffer.data[0]])).to.deep.equal([
      [3, 3],
      [4, 4],
    ]);
    expect(flow.newest(9).map((buffer) => buffer.sequence)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(flow.ready).to.equal(5);
    expect(flow.takeAll().length).to.equal(5);
    expect(flow.newest()).to.deep.equal([]);
  });

  it('poll handles every ready buffer in place, up to a limit', async () => {
    const from = await double();
    from.publish(6);
    const flow = await open(from);
    await eventually(() => flow.ready === 6);
    const seen: number[] = [];
    const handler = (view: Uint8Array, { sequence, size }: { sequence: number; size: number }): void => {
      expect(view.length).to.equal(size);
      expect(view[0]).to.equal(sequence);
      seen.push(sequence);
    };
    expect(flow.poll(handler, 2)).to.equal(2);
    expect(flow.poll(handler)).to.equal(4);
    expect(flow.poll(handler)).to.equal(0);
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5]);
  });

  it('a buffer whose poll handler throws counts as handled', async () => {
    const from = await double();
    from.publish(2);
    const flow = await open(from);
    await eventually(() => flow.ready === 2);
    expect(() =>
      flow.poll(() => {
        throw new Error('mine');
      }),
    ).to.throw('mine');
    expect(flow.takeNow()?.sequence).to.equal(1);
  });

  it('a for-await loop releases each buffer at the next step, and the last when it is left', async () => {
    const from = await double();
    from.publish(5);
    const flow = await open(from);
    const seen: number[] = [];
    let last: { released: boolean } | undefined;
    for await (const buffer of flow) {
      expect(last?.released ?? true).to.equal(true);
      expect(buffer.data[0]).to.equal(buffer.sequence);
      last = buffer;
      seen.push(buffer.sequence);
      if (seen.length === 3) break;
    }
    expect(last?.released).to.equal(true);
    expect(seen).to.deep.equal([0, 1, 2]);
    expect((await flow.take())?.sequence).to.equal(3);
  });
});
