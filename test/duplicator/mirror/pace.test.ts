import { expect } from 'chai';
import { Pace } from '../../../duplicator/mirror/pace.js';

describe('the pace of a mirror', () => {
  it('counts from request to request, so that it is steady', () => {
    const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500 });
    expect(pace.nextRequestMs(1000, 1003)).to.equal(1100);
    expect(pace.nextRequestMs(1000, 1049)).to.equal(1100);
  });

  it('leaves a slow source half of its time', () => {
    const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500 });
    expect(pace.nextRequestMs(1000, 1300)).to.equal(1600);
  });

  it('is back to back at 0, however slow the source is', () => {
    const pace = new Pace({ intervalMs: 0, idleIntervalMs: 500 });
    expect(pace.nextRequestMs(1000, 1300)).to.equal(1000);
    for (let update = 0; update < 100; update += 1) pace.note(false);
    expect([pace.calm, pace.nextRequestMs(1000, 1300)]).to.deep.equal([false, 1000]);
  });

  it('slows down while nothing changes, up to the idle interval, and is back with the first change', () => {
    for (const intervalMs of [1, 100, 500]) {
      const pace = new Pace({ intervalMs, idleIntervalMs: 500 });
      let last: number = intervalMs;
      for (let update = 0; update < 100; update += 1) {
        pace.note(false);
        const interval = pace.nextRequestMs(0, 0.1);
        expect(interval).to.be.at.least(update < 3 ? intervalMs : last);
        expect(pace.calm).to.equal(update >= 3);
        last = interval;
      }
      expect(last).to.equal(500);
      pace.note(true);
      expect([pace.calm, pace.nextRequestMs(0, 0.1)]).to.deep.equal([false, intervalMs]);
    }
  });
});
