/** The verdict of `npm run bench -- gate`. */
import { expect } from 'chai';
import { judge } from '../../bench/gate.js';
import type { Row } from '../../bench/report.js';

function row(ratio: number, spread: readonly [number, number], unit = 'M/s each'): Row {
  const peerValue = 10;
  const [low, high] = spread.map((value) => value * peerValue) as [number, number];
  return {
    bench: 'fanout',
    case: '128 B to 1',
    unit,
    value: ratio * peerValue,
    spread: [low, high],
    peer: 'zeromq',
    peerValue,
    ratio,
  };
}

describe('the gate of a bench', () => {
  it('a rate fails when even its best repetition is below the worst kept one', () => {
    const kept = [row(2, [1.9, 2.1])];
    expect(judge(kept, [row(1.85, [1.8, 1.95])]).failures).to.equal(0);
    expect(judge(kept, [row(1.8, [1.7, 1.89])]).failures).to.equal(1);
    expect(judge(kept, [row(3, [2.9, 3.1])]).failures).to.equal(0);
  });

  it('a duration fails when even its best repetition is longer than the worst kept one', () => {
    const kept = [row(2, [1.9, 2.1], 'us')];
    expect(judge(kept, [row(2.2, [2.05, 2.3], 'us')]).failures).to.equal(0);
    expect(judge(kept, [row(2.3, [2.2, 2.4], 'us')]).failures).to.equal(1);
    expect(judge(kept, [row(1, [0.9, 1.1], 'us')]).failures).to.equal(0);
  });

  it('a row that was not measured fails, and rows without a ratio do not count', () => {
    const { peer: _peer, peerValue: _value, ratio: _ratio, ...plain } = row(2, [1, 3]);
    expect(judge([row(2, [1, 3])], [])).to.deep.equal({
      failures: 1,
      lines: ['FAIL fanout 128 B to 1, beside zeromq: not measured'],
    });
    expect(judge([plain], []).failures).to.equal(0);
  });
});
