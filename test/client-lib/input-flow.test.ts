/** What every input flow promises, with a flow thread and inline alike. */
import { expect } from 'chai';
import { isMirrorflowError } from '../../protocol/errors.js';
import type { InputFlow } from '../../client-lib/input-flow.js';
import { openInputFlow } from '../../client-lib/input-flow.js';
import type { InputFlowOptions } from '../../client-lib/input-flow-options.js';
import { FlowDouble, until, type DoubleOptions } from '../fixtures/flow-double.js';

for (const inline of [false, true]) {
  describe(`an input flow, ${inline ? 'inline' : 'with a flow thread'}`, () => {
    const doubles: FlowDouble[] = [];
    const flows: InputFlow[] = [];

    async function double(options: DoubleOptions = {}): Promise<FlowDouble> {
      const made = await FlowDouble.start(options);
      doubles.push(made);
      return made;
    }

    async function open(
      from: FlowDouble,
      options: InputFlowOptions = {},
      whenDetached: 'end' | 'hold' = 'end',
    ): Promise<InputFlow> {
      const flow = await openInputFlow(from.opened, { inline, ...options }, whenDetached);
      flows.push(flow);
      return flow;
    }

    afterEach(async () => {
      for (const flow of flows.splice(0)) await flow.close();
      for (const made of doubles.splice(0)) await made.close();
    });

    it('says who it is and how it wants its buffers', async () => {
      const from = await double();
      await open(from, { delivery: 'lossy', start: 'next' });
      const [consumer] = from.consumers;
      expect(consumer?.client).to.equal(7);
      expect(consumer?.hello).to.include({ role: 'consumer', delivery: 'lossy', start: 'latest' });
    });

    it('delivers what was published before and after, in order and whole', async () => {
      const from = await double();
      from.publish(3, 64, 5);
      const flow = await open(from);
      const waiting = [0, 1, 2].map(() => flow.take());
      for (const [sequence, taken] of (await Promise.all(waiting)).entries()) {
        expect(taken).to.include({ sequence, size: 64, epoch: 1, timestampNs: 1000 + sequence, flags: 5 });
        expect([...taken!.data]).to.deep.equal(Array.from({ length: 64 }, () => sequence));
      }
      const next = flow.take();
      from.publish(1, 10);
      const buffer = await next;
      expect(buffer).to.include({ sequence: 3, size: 10 });
      expect(buffer!.copy()).to.deep.equal(new Uint8Array(10).fill(3));
    });

    it('begins where it is told', async () => {
      const from = await double();
      from.publish(10);
      const first = async (start: InputFlowOptions['start']): Promise<number | undefined> => {
        const flow = await open(from, start === undefined ? {} : { start });
        const buffer = await flow.take({ timeoutMs: 45_000 });
        return buffer?.sequence;
      };
      expect(await first(undefined)).to.equal(0);
      expect(await first('oldest')).to.equal(0);
      expect(await first('newest')).to.equal(9);
      expect(await first(4)).to.equal(4);
      const next = await open(from, { start: 'next' });
      expect(next.takeNow()).to.equal(undefined);
      from.publish();
      expect((await next.take())?.sequence).to.equal(10);
    });

    it('counts what was asked for and is gone', async () => {
      const from = await double({ slots: 8 });
      from.publish(100);
      const flow = await open(from, { start: 50 });
      expect((await flow.take())?.sequence).to.equal(93);
      expect(flow.lost).to.equal(43);
    });

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

    it('loses nothing of a lossless flow, however many times the ring goes round', async () => {
      const from = await double({ slots: 8 });
      const flow = await open(from, { history: 4 });
      const total = 500;
      const writing = (async () => {
        while (from.writer.next < total) {
          await until(() => from.credit > from.writer.next, 'credit');
          from.publish(Math.min(3, from.credit - from.writer.next, total - from.writer.next));
        }
      })();
      for (let sequence = 0; sequence < total; sequence += 1) {
        const buffer = await flow.take();
        expect(buffer?.sequence).to.equal(sequence);
        expect(buffer?.data[0]).to.equal(sequence & 0xff);
      }
      await writing;
      expect(flow.lost).to.equal(0);
    });

    it('acknowledges to the last when everything was read', async () => {
      const from = await double();
      const flow = await open(from);
      from.publish(3);
      for (let taken = 0; taken < 3; taken += 1) (await flow.take())?.release();
      const idle = flow.take();
      await until(() => [...from.consumers].every((one) => one.acknowledged === 3 && one.waiting));
      await flow.close();
      expect(await idle).to.equal(undefined);
    });

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
      for (let taken = 0; taken < 3; taken += 1) await flow.take();
      const next = flow.take();
      from.restart(9);
      from.publish(1);
      expect(await next).to.include({ sequence: 0, epoch: 9 });
      await until(() => restarts.length === 1);
      expect(restarts).to.deep.equal([9]);
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
      await flow.reattach(to.opened);
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
      await flow.reattach(to.opened);
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
      flow.finish();
      expect(await waiting).to.equal(undefined);
      expect(flow.ended).to.equal(true);
    });

    it('passes a refusal on with its code, and leaves nothing open', async () => {
      const from = await double({ refuse: 'FLOW_BUSY' });
      const error = await open(from).catch((reason: unknown) => reason);
      expect(isMirrorflowError(error, 'FLOW_BUSY')).to.equal(true);
      await until(() => from.consumers.size === 0);
    });

    it('says so when the file or the link is not there', async () => {
      const from = await double();
      const noFile = await openInputFlow({ ...from.opened, file: '/nowhere' }, { inline }).catch(
        (reason: unknown) => reason,
      );
      expect(isMirrorflowError(noFile, 'UNKNOWN_FLOW')).to.equal(true);
      const noLink = await openInputFlow(
        { ...from.opened, link: `${from.opened.link}.no` },
        { inline },
      ).catch((reason: unknown) => reason);
      expect(isMirrorflowError(noLink, 'NOT_RUNNING')).to.equal(true);
    });

    it('spins when told to, and misses nothing by it', async () => {
      const from = await double({ slots: 64 });
      const flow = await open(from, { spinUs: 200 });
      const total = 300;
      const writing = (async () => {
        while (from.writer.next < total) {
          await until(() => from.credit > from.writer.next, 'credit');
          from.publish(1);
        }
      })();
      for (let sequence = 0; sequence < total; sequence += 1) {
        expect((await flow.take({ timeoutMs: 45_000 }))?.sequence).to.equal(sequence);
      }
      await writing;
    });
  });
}
