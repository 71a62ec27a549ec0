/**
 * What every input flow promises, with a flow thread and inline alike: who it says it is, where it
 * begins, that nothing gets lost.
 */
import { expect } from 'chai';
import { openInputFlow } from '../../../client-lib/input/input-flow.js';
import type { InputFlowOptions } from '../../../client-lib/input/input-options.js';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import { until } from '../../fixtures/flow-double.js';
import { eitherWay } from './input-flow-rig.js';

eitherWay('an input flow', ({ double, open, inline }) => {
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
    const noLink = await openInputFlow({ ...from.opened, link: `${from.opened.link}.no` }, { inline }).catch(
      (reason: unknown) => reason,
    );
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
