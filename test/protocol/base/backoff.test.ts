/** Delays between attempts to connect. Pure. */
import { expect } from 'chai';
import { Backoff } from '../../../protocol/base/backoff.js';

describe('backoff', () => {
  it('a delay doubles up to its bound, is reduced by half at most, and is short again after a success', () => {
    const longest = new Backoff({ firstMs: 100, maxMs: 500 }, () => 1);
    expect([1, 2, 3, 4, 5].map(() => longest.next())).to.deep.equal([100, 200, 400, 500, 500]);
    longest.reset();
    expect(longest.next()).to.equal(100);
    const shortest = new Backoff({ firstMs: 100, maxMs: 500 }, () => 0);
    expect([1, 2, 3, 4].map(() => shortest.next())).to.deep.equal([50, 100, 200, 250]);
    for (let failures = 0; failures < 2000; failures += 1) expect(longest.next()).to.be.at.most(500);
  });
});
