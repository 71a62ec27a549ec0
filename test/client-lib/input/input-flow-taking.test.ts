/** Takes of every kind from input flows of both engines. */
import { expect } from 'chai';
import type { OwnedBuffer, PolledBuffer } from '../../../client-lib/input/flow-buffer.js';
import type { PollHandler } from '../../../client-lib/input/input-engine.js';
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
    for (const wrong of [{ timeoutMs: -1 }, { timeout: 1 }, { signal: 'no' }, null]) {
      const refused = await flow.take(wrong as object).catch((reason: unknown) => reason);
      expect(isMirrorflowError(refused, 'BAD_OPTION'), JSON.stringify(wrong)).to.equal(true);
    }
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
    const objects = new Set<object>();
    const handler = (buffer: Readonly<PolledBuffer>): void => {
      const { sequence, size, data, bytes, generation } = buffer;
      objects.add(buffer);
      expect(data).to.equal(bytes);
      expect([data.length, data[0], generation]).to.deep.equal([size, sequence, 0]);
      seen.push(sequence);
    };
    expect(flow.poll(handler, 2)).to.equal(2);
    expect(flow.poll(handler)).to.equal(4);
    expect(flow.poll(handler)).to.equal(0);
    expect(seen).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(objects.size).to.equal(1);
  });

  it('poll refuses a handler of two parameters, naming the one that replaces them', async () => {
    const from = await double();
    from.publish(1);
    const flow = await open(from);
    const old = ((view: Uint8Array, meta: object) => [view, meta]) as unknown as PollHandler;
    for (const wrong of [old, undefined as unknown as PollHandler]) {
      expect(() => flow.poll(wrong))
        .to.throw('it must be a function (buffer) =>')
        .that.satisfies((error: unknown) => isMirrorflowError(error, 'BAD_OPTION'));
    }
    expect(() => flow.poll(old)).to.throw('view is buffer.data, meta.sequence is buffer.sequence');
    expect(() => flow.poll(() => undefined, -1)).to.throw('limit is -1');
    expect(() => flow.takeAll(Number.NaN)).to.throw('limit is NaN');
    await eventually(() => flow.ready === 1);
  });

  it('two for-await loops share a flow in turn: each buffer goes to one, valid for its whole step', async () => {
    const from = await double({ slots: 64 });
    const flow = await open(from, { history: 8 });
    const seen: number[][] = [[], []];
    const loops = seen.map(async (own) => {
      for await (const buffer of flow) {
        const before = buffer.data[0];
        await new Promise((resolve) => setImmediate(resolve));
        expect([buffer.released, buffer.data[0]]).to.deep.equal([false, before]);
        expect(before).to.equal(buffer.sequence & 0xff);
        own.push(buffer.sequence);
      }
    });
    const total = 300;
    while (from.writer.next < total) {
      await eventually(() => from.credit > from.writer.next, 'credit');
      from.publish(Math.min(10, from.credit - from.writer.next, total - from.writer.next));
    }
    await eventually(() => seen[0]!.length + seen[1]!.length === total);
    await flow.close();
    await Promise.all(loops);
    const all = seen.flat().toSorted((a, b) => a - b);
    expect(all).to.deep.equal(Array.from({ length: total }, (_, sequence) => sequence));
    for (const own of seen) {
      expect(own.length).to.be.greaterThan(total / 4);
      expect(own).to.deep.equal(own.toSorted((a, b) => a - b));
    }
  });

  it('a for-await loop keeps its buffer while other takes borrow and release theirs', async () => {
    const from = await double();
    from.publish(4);
    const flow = await open(from);
    await eventually(() => flow.ready === 4);
    for await (const buffer of flow) {
      const next = flow.takeNow();
      const last = flow.takeAll();
      expect([buffer.data[0], next?.released, last.length]).to.deep.equal([0, true, 2]);
      break;
    }
    const loop = flow[Symbol.asyncIterator]();
    from.publish(1);
    const held = (await loop.next()).value;
    expect(held?.sequence).to.equal(4);
    await flow.close();
    expect(held?.released).to.equal(true);
  });

  it('after a full history was borrowed, takes that do not wait still find what was published', async () => {
    const from = await double({ slots: 64 });
    const flow = await open(from, { history: 4 });
    const seen: number[] = [];
    const drain = (): void => flow.takeAll().forEach(({ sequence }) => seen.push(sequence));
    const takes = [
      drain,
      (): void => void seen.push(flow.takeNow()?.sequence ?? -1),
      (): void => void flow.poll(({ sequence }) => seen.push(sequence)),
      (): void => void seen.push(flow.takeSync(0)?.sequence ?? -1),
    ];
    for (const [round, take] of [...takes, ...takes].entries()) {
      from.publish(10);
      await eventually(() => flow.ready >= 4);
      flow.takeAll(4).forEach(({ sequence }) => seen.push(sequence));
      const before = seen.length;
      take();
      expect(seen.length, `take of round ${round}`).to.be.greaterThan(before);
      await eventually(() => {
        drain();
        return seen.length === 10 * (round + 1);
      });
      expect(flow.takeAll(0)).to.deep.equal([]);
    }
    expect(seen).to.deep.equal(Array.from({ length: 80 }, (_, sequence) => sequence));
  });

  it('copies() gives buffers that belong to the program', async () => {
    const from = await double();
    from.publish(5, 16, 3);
    const flow = await open(from);
    const kept: OwnedBuffer[] = [];
    for await (const copy of flow.copies()) {
      kept.push(copy);
      if (kept.length === 5) break;
    }
    await flow.close();
    for (const [sequence, copy] of kept.entries()) {
      expect(copy).to.include({ sequence, epoch: 1, timestampNs: 1000 + sequence, size: 16, flags: 3 });
      expect([...copy.data]).to.deep.equal(Array.from({ length: 16 }, () => sequence));
      copy.data.reverse().fill(9);
      expect([copy.bytes[0], copy.released, copy.stillValid()]).to.deep.equal([9, false, true]);
    }
  });

  it('the bytes of a borrowed buffer are the memory of its data, for APIs that take a Uint8Array', async () => {
    const from = await double();
    from.publish(1, 8);
    const flow = await open(from);
    const buffer = await flow.take();
    expect(buffer?.bytes).to.equal(buffer?.data);
    expect(Buffer.from(buffer!.bytes).toString('hex')).to.equal('0000000000000000');
    // Types only: at run time each of these would end the process with an inline flow.
    const writes = [
      // @ts-expect-error borrowed data have no method that changes them
      (): unknown => buffer!.data.sort(),
      // @ts-expect-error borrowed data have no method that changes them
      (): unknown => buffer!.data.fill(1),
      // @ts-expect-error an element cannot be assigned
      (): unknown => (buffer!.data[0] = 1),
    ];
    expect(writes.length).to.equal(3);
    buffer?.release();
    expect(() => buffer?.bytes).to.throw('released');
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
