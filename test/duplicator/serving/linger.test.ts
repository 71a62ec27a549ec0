/** When an unused flow ends, with a manual clock. */
import { expect } from 'chai';
import { Linger } from '../../../duplicator/serving/linger.js';
import { ManualClock } from '../../kit/manual-clock.js';

describe('Linger', () => {
  function linger(lingerMs: number) {
    const clock = new ManualClock();
    const seen = { over: 0 };
    return { clock, seen, linger: new Linger(clock, lingerMs, () => (seen.over += 1)) };
  }

  it('the linger time begins when the last client leaves, and again after each further one', () => {
    const { clock, seen, linger: one } = linger(100);
    one.setClientCount(0);
    clock.advance(99);
    one.setClientCount(1);
    clock.advance(1000);
    one.setClientCount(0);
    clock.advance(99);
    expect(seen.over).to.equal(0);
    clock.advance(1);
    clock.advance(1000);
    expect(seen.over).to.equal(1);
    one.setClientCount(0);
    clock.advance(100);
    expect(seen.over).to.equal(2);
  });

  it('a stopped linger timer never ends the duplicator', () => {
    const { clock, seen, linger: one } = linger(0);
    one.setClientCount(0);
    one.stop();
    clock.advance(1);
    expect(seen.over).to.equal(0);
  });
});
