import { expect } from 'chai';
import { acknowledgementInterval, PublicationWindow } from '../../bench/programs/publication-window.js';

describe('the window of a publisher', () => {
  it('is no wider than what the slowest subscriber has acknowledged and the window, and nobody is heard before all are', () => {
    const window = new PublicationWindow(2, 4);
    for (let count = 0; count < 4; count += 1) window.add();
    expect(() => window.add()).to.throw('4 buffers are unacknowledged');
    window.acknowledge(7, 4);
    expect(window.room).to.equal(0);
    window.acknowledge(8, 1);
    expect(window.room).to.equal(1);
    window.acknowledge(8, 3);
    expect(window.room).to.equal(3);
  });

  it('opens for who waits when the slowest has acknowledged', async () => {
    const window = new PublicationWindow(2, 1);
    await window.opened();
    window.add();
    const order: string[] = [];
    const opened = window.opened().then(() => order.push('opened'));
    window.acknowledge(1, 1);
    await Promise.resolve();
    order.push('one of two');
    window.acknowledge(2, 1);
    await opened;
    expect(order).to.deep.equal(['one of two', 'opened']);
  });

  it('is never waited for by a subscriber that has yet to acknowledge: intervals are shorter than it', () => {
    for (const buffers of [1, 3, 4, 15, 65_536]) {
      const unacknowledged = acknowledgementInterval(buffers) - 1;
      expect(unacknowledged)
        .to.be.at.least(0)
        .and.at.most(buffers - 1);
    }
  });
});
