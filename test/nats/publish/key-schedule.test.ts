/** When key frames of a mirror are stored. */
import { expect } from 'chai';
import { KeySchedule } from '../../../nats/publish/key-schedule.js';

const BOUNDS = { subjects: [], maxBytes: 300_000_000, maxAgeMs: 30_000 };

describe('the schedule of key frames', () => {
  const schedule = new KeySchedule(BOUNDS);
  beforeEach(() => schedule.key(1_000_000, 0, 0));

  it('has a key frame follow when the deltas behind the last one cost four times as much', () => {
    schedule.delta(4_000_000);
    expect(schedule.isDue(0, 0)).to.equal(false);
    schedule.delta(1);
    expect(schedule.isDue(0, 0)).to.equal(true);
  });

  it('repeats the key frame long before it is too old for the stream', () => {
    expect(schedule.isDue(10_000, 0)).to.equal(false);
    expect(schedule.isDue(10_001, 0)).to.equal(true);
    expect(schedule.checkMs).to.equal(5_000);
  });

  it('repeats the key frame before other flows fill the stream', () => {
    expect(schedule.isDue(0, 100_000_000)).to.equal(false);
    expect(schedule.isDue(0, 100_000_001)).to.equal(true);
  });
});
