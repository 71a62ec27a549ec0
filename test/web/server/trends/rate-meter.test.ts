/** Rates of growing sums: what is a rate, what is zero, and what says nothing. Pure. */
import { expect } from 'chai';
import { RateMeter } from '../../../../web/server/trends/rate-meter.js';

describe('the rate of a trend', () => {
  const at = (sum: number, publishedMs: number, nowMs = publishedMs) => ({ sum, publishedMs, nowMs });

  it('the rate is the difference of two publications over the time between them', () => {
    const meter = new RateMeter();
    expect(meter.measure(at(1_000, 10_000))).to.equal(undefined);
    expect(meter.measure(at(1_500, 12_000))).to.equal(250);
  });

  it('the rate stays until the next publication, and is zero after five seconds without one', () => {
    const meter = new RateMeter();
    meter.measure(at(0, 0));
    meter.measure(at(100, 1_000));
    expect(meter.measure(at(100, 1_000, 2_000))).to.equal(100);
    expect(meter.measure(at(100, 1_000, 5_999))).to.equal(100);
    expect(meter.measure(at(100, 1_000, 6_000))).to.equal(0);
    expect(meter.measure(at(100, 1_000, 60_000))).to.equal(0);
  });

  it('the first publication after a pause is not spread over the time that was reported as zero', () => {
    const meter = new RateMeter();
    meter.measure(at(0, 0));
    meter.measure(at(100, 1_000));
    meter.measure(at(100, 1_000, 600_000));
    expect(meter.measure(at(600, 601_000))).to.equal(100);
  });

  it('a cleared spectrum, a clock that was set back and a reset give no rate', () => {
    const meter = new RateMeter();
    meter.measure(at(500, 1_000));
    expect(meter.measure(at(20, 2_000))).to.equal(undefined);
    expect(meter.measure(at(30, 3_000))).to.equal(10);
    expect(meter.measure(at(40, 2_500))).to.equal(undefined);
    meter.reset();
    expect(meter.measure(at(90, 9_000))).to.equal(undefined);
  });

  it('the clock of the source may differ from that of the viewer', () => {
    const meter = new RateMeter();
    meter.measure(at(0, 1_000_000, 0));
    expect(meter.measure(at(50, 1_001_000, 1_000))).to.equal(50);
    expect(meter.measure(at(50, 1_001_000, 5_999))).to.equal(50);
  });
});
