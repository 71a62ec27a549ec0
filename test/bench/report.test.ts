/** The rows and tables of benchmarks, and the comparison of two result files. */
import { expect } from 'chai';
import { compareRows } from '../../bench/compare.js';
import { median, quantile, makeRow, makeRowPerPeer, formatTable } from '../../bench/report.js';

describe('rows of a benchmark', () => {
  it('a row has the median, the spread of the repetitions, and the ratio to the peer of the same run', () => {
    expect(makeRow('fanout', 'small', 'M/s', [3, 1, 2], { name: 'peer', values: [4, 4] })).to.deep.equal({
      bench: 'fanout',
      case: 'small',
      value: 2,
      unit: 'M/s',
      spread: [1, 3],
      peer: 'peer',
      peerValue: 4,
      ratio: 0.5,
    });
  });

  it('a row names a peer that is not installed and has no ratio', () => {
    const [, absent] = makeRowPerPeer(
      'fanout',
      'small',
      'M/s',
      [2],
      [
        { name: 'there', values: [1] },
        { name: 'absent', values: [] },
      ],
    );
    expect(absent).to.include({ peer: 'absent: not installed', value: 2 });
    expect(absent).to.not.have.any.keys('ratio', 'peerValue');
  });

  it('quantiles are interpolated between values, and NaN without values', () => {
    expect([median([4, 1, 3, 2]), quantile([0, 10], 0.9), quantile([7], 0.99)]).to.deep.equal([2.5, 9, 7]);
    expect(median([])).to.deep.equal(Number.NaN);
  });

  it('the table shows the figure of a case once for all its peers', () => {
    const shown = formatTable(
      makeRowPerPeer(
        'fanout',
        'small',
        'M/s',
        [1234.5],
        [
          { name: 'one', values: [1] },
          { name: 'two', values: [2] },
        ],
      ),
    );
    const [first, second, ...more] = shown.split('\n');
    expect(more).to.deep.equal([]);
    expect(first).to.include('small').and.to.include('1,235 M/s').and.to.include('x one');
    expect(second).to.match(/^ +[0-9]+ x two/);
  });
});

describe('comparison of two benchmark files', () => {
  const old = [
    makeRow('fanout', 'small', 'M/s', [1], { name: 'peer', values: [2] }),
    makeRow('idle', 'removed', 'MiB', [5]),
  ];
  const now = [
    makeRow('fanout', 'small', 'M/s', [3], { name: 'peer', values: [3] }),
    makeRow('open', 'new', 'ms', [7]),
  ];

  it('a comparison shows how the ratio to the peer changed', () => {
    const [, small] = compareRows(old, now).split('\n');
    expect(small).to.include('3.00').and.to.include('2.00 (0.500 to 1.00 x peer)');
  });

  it('a comparison names the cases that only one file has', () => {
    const compared = compareRows(old, now);
    expect(compared)
      .to.match(/new .*only in B/)
      .and.to.match(/removed .*only in A/);
  });
});
