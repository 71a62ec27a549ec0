/** Counters of a flow as rows with rates between two samples. Pure. */
import { expect } from 'chai';
import { counterRows, countersOf, flowRates } from '../../console/flow-statistics.js';

describe('the counters of a flow', () => {
  const first = {
    atMs: 1000,
    counters: { published: 10, publishedBytes: 0, updateNs: 0, clients: 3, publishedPerSecond: 7 },
  };
  const second = {
    atMs: 3000,
    counters: { published: 30, publishedBytes: 2 ** 20, updateNs: 2e8, clients: 9 },
  };

  it('rates are computed from two samples', () => {
    expect(flowRates(second, first)).to.deep.equal({
      published: 10,
      publishedBytes: 2 ** 19,
      updateNs: 1e8,
    });
  });

  it("the first sample has the server's rates", () => {
    expect(flowRates(first, undefined)).to.deep.equal({ published: 7 });
    expect(countersOf(first)).to.not.have.property('publishedPerSecond');
  });

  it('a counter that decreased or has no elapsed time has no rate', () => {
    expect(flowRates({ atMs: 4000, counters: { published: 5 } }, second)).to.deep.equal({});
    expect(flowRates({ ...second, atMs: 1000 }, first)).to.deep.equal({});
  });

  it('counters are shown in their units with their meaning', () => {
    const rows = counterRows(second, first);
    expect(rows.map(({ name, value, rate }) => [name, value, rate])).to.deep.equal([
      ['published', '30', '10/s'],
      ['publishedBytes', '1 MiB', '512 KiB/s'],
      ['updateNs', '200 ms', '10.0 %'],
      ['clients', '9', ''],
    ]);
    expect(rows[0]?.help).to.contain('published');
  });

  it('an unknown counter is shown without a meaning', () => {
    expect(counterRows({ atMs: 0, counters: { toString: 1 } }, undefined)).to.deep.equal([
      { name: 'toString', value: '1', rate: '', help: '' },
    ]);
  });
});
