/** The short texts of the network page about flows and clients. */
import { expect } from 'chai';
import {
  applicationStateText,
  fillRatio,
  flowLagText,
  flowLagRatio,
  flowRateText,
  flowProblem,
  usageDetails,
  usageSummary,
  mostLoadedUsage,
} from '../../../web/view/network-words.js';
import type { NetworkFlow, NetworkUsage } from '../../../web/wire/network.js';

function flow(change: Partial<NetworkFlow>): NetworkFlow {
  const plain = { flow: 'f', type: 'bytes', state: 'running', sourceState: 'live', restarts: 0 };
  return { ...plain, counters: {}, rates: {}, readers: 0, holding: [], ...change };
}
const reads: NetworkUsage = { flow: 'f', direction: 'input', ready: 3, capacity: 4, lag: 2 };

describe('the texts of the network page', () => {
  it('an application has the state of the header, or else that of its flows', () => {
    const state = (state: string, sourceState: string, shown?: string): string =>
      applicationStateText({ state, flows: [flow({ sourceState })] }, shown);
    expect(state('running', 'live', 'stale')).to.equal('stale');
    expect(state('running', 'stale')).to.equal('stale');
    expect(state('running', 'live')).to.equal('running');
    expect(state('stopped', 'live', 'live')).to.equal('stopped');
  });

  it('the problem of a flow is its state, its source, or the clients that hold it back', () => {
    expect(flowProblem(flow({}))).to.equal(undefined);
    expect(flowProblem(flow({ state: 'failed', holding: ['a'] }))).to.equal('failed');
    expect(flowProblem(flow({ sourceState: 'stale', quietS: 12, holding: ['a'] }))).to.equal(
      'stale for 12.0 s',
    );
    expect(flowProblem(flow({ sourceState: 'ended', quietS: 0.2 }))).to.equal('ended');
    expect(flowProblem(flow({ holding: ['a', 'b'] }))).to.equal('held back by a, b');
  });

  it('the rate of a flow is a number, or the time without data', () => {
    expect(flowRateText(flow({}))).to.equal('…');
    expect(flowRateText(flow({ rates: { published: 2, publishedBytes: 2048 } }))).to.equal('2/s · 2 KiB/s');
    expect(flowRateText(flow({ rates: { published: 0, publishedBytes: 0 }, quietS: 1 }))).to.equal(
      '0/s · 0 B/s',
    );
    expect(flowRateText(flow({ rates: { published: 0, publishedBytes: 0 }, quietS: 7 }))).to.equal(
      'no data for 7.0 s',
    );
  });

  it('the lag of a flow is that of its slowest reader', () => {
    expect(flowLagText(flow({}))).to.equal('no reader');
    expect(flowLagText(flow({ readers: 1 }))).to.equal('one reader, newest buffer only');
    expect(flowLagText(flow({ readers: 2 }))).to.equal('2 readers, newest buffer only');
    expect(flowLagText(flow({ readers: 1, lag: 0 }))).to.equal('readers up to date');
    expect(flowLagText(flow({ readers: 1, lag: 3, buffers: 8 }))).to.equal('slowest reader 3 of 8 behind');
    expect(flowLagRatio(flow({ readers: 1, lag: 2, buffers: 8 }))).to.equal(0.25);
    expect(flowLagRatio(flow({ readers: 1, lag: 20, buffers: 8 }))).to.equal(1);
    expect(flowLagRatio(flow({ readers: 1, lag: 2 }))).to.equal(undefined);
  });

  it('a client is summarized by the flow that it holds back, or else by its fullest history', () => {
    const full: NetworkUsage = { ...reads, flow: 'full', ready: 4 };
    const holding: NetworkUsage = { ...reads, flow: 'holding', ready: 0, holding: true };
    const client = { name: 'c', program: 'p', pid: 1, connected: true, answered: true };
    expect(mostLoadedUsage({ ...client, flows: [] })).to.equal(undefined);
    expect(mostLoadedUsage({ ...client, flows: [reads, full] })?.flow).to.equal('full');
    expect(mostLoadedUsage({ ...client, flows: [reads, full, holding] })?.flow).to.equal('holding');
    expect([fillRatio(reads), fillRatio({}), fillRatio({ ready: 1, capacity: 0 })]).to.deep.equal([
      0.75,
      undefined,
      undefined,
    ]);
  });

  it('a use of a flow is described with the figures that exist', () => {
    expect(usageSummary(reads)).to.equal('history 3 of 4 · 2 behind');
    expect(usageSummary({ flow: 'f', direction: 'input' })).to.equal('reads');
    expect(usageSummary({ flow: 'f', direction: 'output', queued: 0 })).to.equal('writes');
    expect(usageSummary({ flow: 'f', direction: 'output', queued: 5 })).to.equal('writes, 5 wait');
    expect(
      usageDetails({
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
