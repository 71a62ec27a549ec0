/** The status of a watched application, by times that are passed in. */
import { expect } from 'chai';
import { WatchStatusTracker } from '../../../web/server/watch-status.js';

describe('the status of a watched application', () => {
  it('a state keeps its start while only the cause changes', () => {
    const tracker = new WatchStatusTracker('e1', 1_000);
    expect(tracker.setState('stale', undefined, 2_000)).to.equal(true);
    expect(tracker.setState('stale', undefined, 3_000)).to.equal(false);
    expect(tracker.setState('stale', 'no route to host', 4_000)).to.equal(true);
    expect(tracker.status).to.include({ state: 'stale', sinceMs: 2_000, cause: 'no route to host' });
    tracker.setState('live', undefined, 5_000);
    expect(tracker.status).to.include({ state: 'live', sinceMs: 5_000 });
    expect(tracker.status).to.not.have.property('cause');
  });

  it('the rate of publications is measured once a second, and is 0 after a restart of the count', () => {
    const tracker = new WatchStatusTracker('e1', 0);
    expect(tracker.measureRate(1_000, 7, 50)).to.equal(true);
    expect(tracker.status).to.include({ rate: 0, dataMs: 7 });
    expect(tracker.measureRate(1_005, 8, 1_049)).to.equal(false);
    expect(tracker.measureRate(1_010, 9, 1_050)).to.equal(true);
    expect(tracker.status).to.include({ rate: 10, dataMs: 9 });
    tracker.measureRate(3, 10, 2_050);
    expect(tracker.status.rate).to.equal(0);
  });
});
