/** Rates of counters between two samples. Pure. */
import { expect } from 'chai';
import { RateMeter, ratesBetween } from '../../../protocol/base/rates.js';

describe('rates', () => {
  const before = { atMs: 1000, counters: { published: 10, bytes: 0 } };

  it('a rate is the growth of a counter per second between two samples', () => {
    const after = { atMs: 3000, counters: { published: 30, bytes: 1024 } };
    expect(ratesBetween(before, after)).to.deep.equal({ published: 10, bytes: 512 });
  });

  it('a counter that is new or became smaller has no rate', () => {
    const after = { atMs: 2000, counters: { published: 5, bytes: 1, updates: 7, toString: 1 } };
    expect(ratesBetween(before, after)).to.deep.equal({ bytes: 1 });
  });

  it('no counter has a rate when no time has passed', () => {
    expect(ratesBetween(before, { ...before, counters: { published: 20 } })).to.deep.equal({});
  });

  it('a meter returns the rates since the previous sample, and ignores samples that follow too soon', () => {
    const meter = new RateMeter();
    expect(meter.sample(0, { published: 10 })).to.deep.equal({});
    const rates = meter.sample(500, { published: 15 });
    expect(rates).to.deep.equal({ published: 10 });
    expect(meter.sample(501, { published: 99 })).to.equal(rates);
    expect(meter.sample(1000, { published: 20 })).to.deep.equal({ published: 10 });
  });
});
