import { expect } from 'chai';
import {
  fillOf,
  lagOf,
  lagShare,
  rateOf,
  troubleOf,
  usageLong,
  usageShort,
  worstOf,
} from '../../../web/view/network-words.js';
import type { NetworkFlow, NetworkUsage } from '../../../web/wire/messages.js';

function flow(change: Partial<NetworkFlow>): NetworkFlow {
  const plain = { flow: 'f', type: 'bytes', state: 'running', sourceState: 'live', restarts: 0 };
  return { ...plain, counters: {}, rates: {}, readers: 0, holding: [], ...change };
}
const reads: NetworkUsage = { flow: 'f', direction: 'input', ready: 3, capacity: 4, lag: 2 };

describe('words of the network page', () => {
  it('tell what is wrong with a flow: its state, its source, who holds it back', () => {
    expect(troubleOf(flow({}))).to.equal(undefined);
    expect(troubleOf(flow({ state: 'failed', holding: ['a'] }))).to.equal('failed');
    expect(troubleOf(flow({ sourceState: 'stale', quietS: 12, holding: ['a'] }))).to.equal('stale for 12.0 s');
    expect(troubleOf(flow({ sourceState: 'ended', quietS: 0.2 }))).to.equal('ended');
    expect(troubleOf(flow({ holding: ['a', 'b'] }))).to.equal('held back by a, b');
  });

  it('tell what comes in, or since when nothing does', () => {
    expect(rateOf(flow({}))).to.equal('…');
    expect(rateOf(flow({ rates: { published: 2, publishedBytes: 2048 } }))).to.equal('2/s · 2 KiB/s');
    expect(rateOf(flow({ rates: { published: 0, publishedBytes: 0 }, quietS: 1 }))).to.equal('0/s · 0 B/s');
    expect(rateOf(flow({ rates: { published: 0, publishedBytes: 0 }, quietS: 7 }))).to.equal(
      'nothing new for 7.0 s',
    );
  });

  it('tell how far readers are behind', () => {
    expect(lagOf(flow({}))).to.equal('no reader');
    expect(lagOf(flow({ readers: 1 }))).to.equal('one reader has the newest');
    expect(lagOf(flow({ readers: 2 }))).to.equal('2 readers have the newest');
    expect(lagOf(flow({ readers: 1, lag: 0 }))).to.equal('readers have all');
    expect(lagOf(flow({ readers: 1, lag: 3, buffers: 8 }))).to.equal('slowest reader 3 of 8 behind');
    expect(lagShare(flow({ readers: 1, lag: 2, buffers: 8 }))).to.equal(0.25);
    expect(lagShare(flow({ readers: 1, lag: 20, buffers: 8 }))).to.equal(1);
    expect(lagShare(flow({ readers: 1, lag: 2 }))).to.equal(undefined);
  });

  it('tell of a client the flow that is worst off', () => {
    const full: NetworkUsage = { ...reads, flow: 'full', ready: 4 };
    const holding: NetworkUsage = { ...reads, flow: 'holding', ready: 0, holding: true };
    const client = { name: 'c', program: 'p', pid: 1, connected: true, answered: true };
    expect(worstOf({ ...client, flows: [] })).to.equal(undefined);
    expect(worstOf({ ...client, flows: [reads, full] })?.flow).to.equal('full');
    expect(worstOf({ ...client, flows: [reads, full, holding] })?.flow).to.equal('holding');
    expect([fillOf(reads), fillOf({}), fillOf({ ready: 1, capacity: 0 })]).to.deep.equal([
      0.75,
      undefined,
      undefined,
    ]);
  });

  it('tell of a reader and of a writer what is known', () => {
    expect(usageShort(reads)).to.equal('history 3 of 4 · 2 behind');
    expect(usageShort({ flow: 'f', direction: 'input' })).to.equal('reads');
    expect(usageShort({ flow: 'f', direction: 'output', queued: 0 })).to.equal('writes');
    expect(usageShort({ flow: 'f', direction: 'output', queued: 5 })).to.equal('writes, 5 wait');
    expect(
      usageLong({
        ...reads,
        paused: true,
        delivery: 'lossless',
        holding: true,
        buffersPerSecond: 2,
        bytesPerSecond: 100,
        lost: 1,
      }),
    ).to.equal(
      'paused · history 3 of 4 · 2 behind · lossless · holds the writer back · 2/s, 100 B/s · 1 lost',
    );
  });
});
