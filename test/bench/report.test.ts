import { expect } from 'chai';
import { compareRows } from '../../bench/compare.js';
import { median, quantile, row, rowsOf, showRows } from '../../bench/report.js';

describe('figures of a benchmark', () => {
  it('are medians with the smallest and largest of the repetitions, beside the peer of the same run', () => {
    expect(row('fanout', 'small', 'M/s', [3, 1, 2], { name: 'peer', values: [4, 4] })).to.deep.equal({
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

  it('say of a peer that is not installed that it is not', () => {
    const [, absent] = rowsOf(
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

  it('have quantiles between the values', () => {
    expect([median([4, 1, 3, 2]), quantile([0, 10], 0.9), quantile([7], 0.99)]).to.deep.equal([2.5, 9, 7]);
    expect(median([])).to.deep.equal(Number.NaN);
  });

  it('are shown once however many peers they have', () => {
    const shown = showRows(
      rowsOf(
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

describe('comparing two files of figures', () => {
  const old = [
    row('fanout', 'small', 'M/s', [1], { name: 'peer', values: [2] }),
    row('idle', 'gone', 'MiB', [5]),
  ];
  const now = [
    row('fanout', 'small', 'M/s', [3], { name: 'peer', values: [3] }),
    row('open', 'new', 'ms', [7]),
  ];

  it('goes by the ratio to the peer, which a busier machine changes little', () => {
    const [, small] = compareRows(old, now).split('\n');
    expect(small).to.include('3.00').and.to.include('2.00 (0.500 to 1.00 x peer)');
  });

  it('names what only one of them has', () => {
    const compared = compareRows(old, now);
    expect(compared)
      .to.match(/new .*only in B/)
      .and.to.match(/gone .*only in A/);
  });
});
