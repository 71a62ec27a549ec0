/** The ways to get buffers out of an input flow, with a flow thread and inline alike. */
import { expect } from 'chai';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { until } from '../../fixtures/flow-double.js';
import { eitherWay } from './input-flow-rig.js';

eitherWay('taking from an input flow', ({ double, open }) => {
  it('serves waiting takes in the order in which they were made', async () => {
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

  it('does not let takeNow overtake a take that waits', async () => {
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

  it('loses no buffer when a take is aborted or its time is over', async () => {
    const from = await double();
    const flow = await open(from);
    const abort = new AbortController();
    const aborted = flow.take({ signal: abort.signal });
    const timed = flow.take({ timeoutMs: 1 });
    const patient = flow.take();
    abort.abort(new Error('enough'));
    const error = await aborted.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isMirrorflowError(error, 'CLOSED')).to.equal(true);
    expect(await timed).to.equal(undefined);
    expect(flow.ended).to.equal(false);
    from.publish(1);
    expect((await patient)?.sequence).to.equal(0);
  });

  it('refuses a take that was aborted before, and answers one without time at once', async () => {
    const from = await double();
    const flow = await open(from);
    const error = await flow.take({ signal: AbortSignal.abort() }).catch((reason: unknown) => reason);
    expect(isMirrorflowError(error, 'CLOSED')).to.equal(true);
    expect(await flow.take({ timeoutMs: 0 })).to.equal(undefined);
  });

  it('takes synchronously, with and without waiting', async () => {
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

  it('takes all that are ready, and lends them together', async () => {
    const from = await double();
    from.publish(5);
    const flow = await open(from);
    await until(() => flow.ready === 5);
    const taken = flow.takeAll();
    expect(taken.map((buffer) => buffer.sequence)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(taken.map((buffer) => buffer.data[0])).to.deep.equal([0, 1, 2, 3, 4]);
    expect(flow.takeAll()).to.deep.equal([]);
    expect(taken.every((buffer) => buffer.released)).to.equal(true);
    expect(() => taken[0]!.data).to.throw('released');
  });

  it('looks at the newest without taking them', async () => {
    const from = await double();
    from.publish(5);
    const flow = await open(from);
    await until(() => flow.ready === 5);
    expect(flow.newest(2).map((buffer) => [buffer.sequence, buffer.data[0]])).to.deep.equal([
      [3, 3],
      [4, 4],
    ]);
    expect(flow.newest(9).map((buffer) => buffer.sequence)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(flow.ready).to.equal(5);
    expect(flow.takeAll().length).to.equal(5);
    expect(flow.newest()).to.deep.equal([]);
  });

  it('polls every ready buffer in place, up to a limit', async () => {
    const from = await double();
    from.publish(6);
    const flow = await open(from);
    await until(() => flow.ready === 6);
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

  it('counts a buffer as handled when the poll handler throws', async () => {
    const from = await double();
    from.publish(2);
    const flow = await open(from);
    await until(() => flow.ready === 2);
    expect(() =>
      flow.poll(() => {
        throw new Error('mine');
      }),
    ).to.throw('mine');
    expect(flow.takeNow()?.sequence).to.equal(1);
  });

  it('releases each buffer of a loop when the next is taken, and the last when the loop is left', async () => {
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
