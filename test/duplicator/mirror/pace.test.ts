/** When a mirror requests its next update. Pure: clock readings are numbers. */
import { expect } from 'chai';
import { Pace } from '../../../duplicator/mirror/pace.js';

describe('the pace of a mirror', () => {
  it('the pace of a mirror counts from request to request', () => {
    const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500, sourceShare: 0 });
    expect(pace.nextRequestMs(1000, 1003)).to.equal(1100);
    expect(pace.nextRequestMs(1000, 1049)).to.equal(1100);
  });

  it('a slow source spends at most half of its time on updates', () => {
    const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500, sourceShare: 0 });
    expect(pace.nextRequestMs(1000, 1300)).to.equal(1600);
  });

  it('an interval of 0 requests back to back, however slow the source is', () => {
    const pace = new Pace({ intervalMs: 0, idleIntervalMs: 500, sourceShare: 0 });
    expect(pace.nextRequestMs(1000, 1300)).to.equal(1000);
    for (let update = 0; update < 100; update += 1) pace.note(false);
    expect([pace.idle, pace.nextRequestMs(1000, 1300)]).to.deep.equal([false, 1000]);
  });

  it('the interval grows to the idle interval while nothing changes, and shrinks with the first change', () => {
    for (const intervalMs of [1, 100, 500]) {
      const pace = new Pace({ intervalMs, idleIntervalMs: 500, sourceShare: 0 });
      let last: number = intervalMs;
      for (let update = 0; update < 100; update += 1) {
        pace.note(false);
        const interval = pace.nextRequestMs(0, 0.1);
        expect(interval).to.be.at.least(update < 3 ? intervalMs : last);
        expect(pace.idle).to.equal(update >= 3);
        last = interval;
      }
      expect(last).to.equal(500);
      pace.note(true);
      expect([pace.idle, pace.nextRequestMs(0, 0.1)]).to.deep.equal([false, intervalMs]);
    }
  });

  it('the interval follows the source, between its bounds', () => {
    for (const [replyMs, answerMs, interval] of [
      [0.01, 0.01, 5],
      [0.5, 0.4, 10],
      [0.4, 0.5, 10],
      [3, 0.5, 60],
      [8, 0.5, 100],
      [0.5, 8, 100],
    ] as const) {
      const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500, sourceShare: 0.05 });
      expect(pace.nextRequestMs(1000, 1003)).to.equal(1100);
      pace.noteReply(replyMs);
      pace.noteAnswer(answerMs);
      expect(pace.nextRequestMs(1000, 1001)).to.be.closeTo(1000 + interval, 1e-6);
    }
  });

  it('the interval becomes longer and shorter with the times of the source, and single waits do not count', () => {
    const pace = new Pace({ intervalMs: 100, idleIntervalMs: 500, sourceShare: 0.05 });
    pace.noteReply(1);
    for (let reply = 0; reply < 16; reply += 1) pace.noteReply(reply % 2 === 0 ? 3 : 40);
    expect(pace.nextRequestMs(0, 1)).to.be.closeTo(60, 1e-6);
    for (let reply = 0; reply < 16; reply += 1) pace.noteReply(0.5);
    expect(pace.nextRequestMs(0, 1)).to.be.closeTo(10, 1e-6);
  });
});
