/** Rates of counters, with times that the test passes. */
import { expect } from 'chai';
import { FLOW_RATES, OPENING_RATES, Rates } from '../../../app-server/flows/rates.js';

describe('rates', () => {
  const counters = { published: 10, publishedBytes: 0, updates: 0, receivedBytes: 0 };

  it('a rate is the gain per second since the last sample', () => {
    const rates = new Rates(FLOW_RATES);
    expect(rates.sample(0, counters)).to.deep.equal({});
    const second = rates.sample(500, { ...counters, published: 15 });
    expect(second['publishedPerSecond']).to.equal(10);
    expect(rates.sample(501, { ...counters, published: 99 })).to.equal(second);
  });

  it('the rates of an opening are named after its counts', () => {
    const rates = new Rates(OPENING_RATES);
    rates.sample(0, { buffers: 0, bytes: 0 });
    expect(rates.sample(2_000, { buffers: 4, bytes: 8 })).to.deep.equal({
      buffersPerSecond: 2,
      bytesPerSecond: 4,
    });
  });

  it('a counter that went back has no rate', () => {
    const rates = new Rates(FLOW_RATES);
    rates.sample(0, counters);
    expect(rates.sample(1000, { ...counters, published: 1 })).to.not.have.property('publishedPerSecond');
  });
});
