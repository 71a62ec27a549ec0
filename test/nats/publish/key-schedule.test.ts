/** Tests when a mirror over NATS stores a key frame (nats/publish/key-schedule.ts). Pure. */
import { expect } from 'chai';
import { KeySchedule } from '../../../nats/publish/key-schedule.js';

const BOUNDS = { subjects: [], maxBytes: 300_000_000, maxAgeMs: 30_000 };

describe('the schedule of key frames', () => {
  const schedule = new KeySchedule(BOUNDS);
  beforeEach(() => schedule.addKeyFrame(1_000_000, 0, 0));

  it('a key frame is due when the deltas after the last one take four times its bytes', () => {
    schedule.addDelta(4_000_000);
    expect(schedule.isDue(0, 0)).to.equal(false);
    schedule.addDelta(1);
    expect(schedule.isDue(0, 0)).to.equal(true);
  });

  it('the key frame is due at a third of the age at which the stream drops it', () => {
    expect(schedule.isDue(10_000, 0)).to.equal(false);
    expect(schedule.isDue(10_001, 0)).to.equal(true);
    expect(schedule.checkMs).to.equal(5_000);
  });

  it('the key frame is due before other flows fill the stream', () => {
    expect(schedule.isDue(0, 100_000_000)).to.equal(false);
    expect(schedule.isDue(0, 100_000_001)).to.equal(true);
  });
});
