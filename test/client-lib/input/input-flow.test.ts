/** Input flows of both engines: opening, order, losses. */
import { expect } from 'chai';
import { openInputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { withBothEngines } from './input-flow-rig.js';
import { eventually } from '../../kit/eventually.js';

withBothEngines('an input flow', ({ double, open, inline }) => {
  it('an input flow sends its handle, role, delivery and start to the duplicator', async () => {
    const from = await double();
    await open(from, { delivery: 'lossy', start: 'next' });
    const [consumer] = from.consumers;
    expect(consumer?.client).to.equal(7);
    expect(consumer?.hello).to.include({ role: 'consumer', delivery: 'lossy', start: 'latest' });
  });

  it('an input flow delivers buffers published before and after its opening, in order and whole', async () => {
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

  it('an input flow begins at the oldest, the newest, the next buffer or a sequence', async () => {
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

  it('an input flow counts requested buffers that have left the ring as lost', async () => {
    const from = await double({ slots: 8 });
    from.publish(100);
    const flow = await open(from, { start: 50 });
    expect((await flow.take())?.sequence).to.equal(93);
    expect(flow.lost).to.equal(43);
  });

  it('a lossless input flow loses nothing, however often the provider laps the ring', async () => {
    const from = await double({ slots: 8 });
    const flow = await open(from, { history: 4 });
    const total = 500;
    const writing = (async () => {
      while (from.writer.next < total) {
        await eventually(() => from.credit > from.writer.next, 'credit');
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

  it('an input flow acknowledges the last buffer when everything was read', async () => {
    const from = await double();
    const flow = await open(from);
    from.publish(3);
    for (let taken = 0; taken < 3; taken += 1) (await flow.take())?.release();
    const idle = flow.take();
    await eventually(() => [...from.consumers].every((one) => one.acknowledged === 3 && one.waiting));
    await flow.close();
    expect(await idle).to.equal(undefined);
  });

  it('opening an input flow rejects with the code of a refusal, and leaves no link open', async () => {
    const from = await double({ refuse: 'FLOW_BUSY' });
    const error = await open(from).catch((reason: unknown) => reason);
    expect(isMirrorflowError(error, 'FLOW_BUSY')).to.equal(true);
    await eventually(() => from.consumers.size === 0);
  });

  it('opening an input flow without its file or its link is an UNKNOWN_FLOW or a NOT_RUNNING', async () => {
    const from = await double();
    const noFile = await openInputFlow({ ...from.opened, file: '/nowhere' }, { inline }).catch(
      (reason: unknown) => reason,
    );
    expect(isMirrorflowError(noFile, 'UNKNOWN_FLOW')).to.equal(true);
    const noLink = await openInputFlow({ ...from.opened, link: `${from.opened.link}.no` }, { inline }).catch(
      (reason: unknown) => reason,
    );
    expect(isMirrorflowError(noLink, 'NOT_RUNNING')).to.equal(true);
  });

  it('an input flow that spins before it waits misses no buffer', async () => {
    const from = await double({ slots: 64 });
    const flow = await open(from, { spinUs: 200 });
    const total = 300;
    const writing = (async () => {
      while (from.writer.next < total) {
        await eventually(() => from.credit > from.writer.next, 'credit');
        from.publish(1);
      }
    })();
    for (let sequence = 0; sequence < total; sequence += 1) {
      expect((await flow.take({ timeoutMs: 45_000 }))?.sequence).to.equal(sequence);
    }
    await writing;
  });
});
