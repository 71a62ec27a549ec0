/** The summary of a flow's readers from statistics. Pure. */
import { expect } from 'chai';
import type { ApplicationStatistics } from '../../../../protocol/rpc/contract/statistics.js';
import { summarizeReaders } from '../../../../protocol/rpc/contract/reader-summary.js';

type Links = ApplicationStatistics['flows'][number]['links'];
type Usage = ApplicationStatistics['clients'][number]['flows'][number];

function statistics(links: Links, usages: readonly Usage[] = []) {
  const client = { name: 'a', program: 'a', pid: 1, connected: true, answered: true, flows: [...usages] };
  return {
    clients: [client],
    flows: [{ flow: 'f', state: 'running' as const, answered: true, counters: {}, links }],
  };
}

describe('the summary of the readers of a flow', () => {
  it('a summary contains the largest lag, the fullest history and each holding client once', () => {
    const summary = summarizeReaders(
      statistics(
        [
          { client: 'w', role: 'provider', holding: false, lag: 99 },
          { client: 'a', role: 'consumer', holding: true, lag: 3 },
          { client: 'a', role: 'consumer', holding: true, lag: 7 },
          { role: 'consumer', holding: true, lag: 1 },
          { client: 'm', role: 'observer', holding: false },
        ],
        [
          { flow: 'f', direction: 'input', ready: 1, capacity: 4 },
          { flow: 'f', direction: 'input', ready: 3, capacity: 4 },
          { flow: 'f', direction: 'output', ready: 4, capacity: 4 },
          { flow: 'other', direction: 'input', ready: 4, capacity: 4 },
        ],
      ),
      'f',
    );
    expect(summary).to.deep.equal({
      readers: 4,
      lag: 7,
      fill: 0.75,
      holding: ['a', 'a program without a name'],
    });
  });

  it('lag and fill are undefined without consumers that report them', () => {
    const unknown = { readers: 0, lag: undefined, fill: undefined, holding: [] };
    expect(summarizeReaders(statistics([]), 'f')).to.deep.equal(unknown);
    expect(summarizeReaders(statistics([]), 'other')).to.deep.equal(unknown);
    const empty = statistics([], [{ flow: 'f', direction: 'input', ready: 0, capacity: 0 }]);
    expect(summarizeReaders(empty, 'f').fill).to.equal(undefined);
  });
});
