import { expect } from 'chai';
import { UnusedWatch } from '../../app-server/unused-watch.js';
import { ManualClock } from '../kit/manual-clock.js';

describe('an app server without host server and clients', () => {
  it('an app server ends when it was unused for the whole time, and not before', () => {
    const clock = new ManualClock();
    let used = false;
    let ended = 0;
    const options = { clock, afterMs: 1_000, isUsed: () => used, onUnused: () => void (ended += 1) };
    const watch = new UnusedWatch(options);
    clock.advance(900);
    used = true;
    clock.advance(100);
    used = false;
    clock.advance(900);
    expect(ended).to.equal(0);
    clock.advance(100);
    expect(ended).to.equal(1);
    clock.advance(10_000);
    expect(ended).to.equal(1);
    watch.stop();
  });
});
