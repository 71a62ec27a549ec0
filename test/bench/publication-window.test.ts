/** How far a benchmark's publisher may run ahead of its slowest subscriber. Pure. */
import { expect } from 'chai';
import { acknowledgementInterval, PublicationWindow } from '../../bench/programs/publication-window.js';

describe('publication window of a benchmark', () => {
  it('a publication window follows the slowest subscriber, once every subscriber has acknowledged', () => {
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

  it('a waiting publisher resumes when the slowest subscriber acknowledges', async () => {
    const window = new PublicationWindow(2, 1);
    await window.waitForRoom();
    window.add();
    const order: string[] = [];
    const opened = window.waitForRoom().then(() => order.push('opened'));
    window.acknowledge(1, 1);
    await Promise.resolve();
    order.push('one of two');
    window.acknowledge(2, 1);
    await opened;
    expect(order).to.deep.equal(['one of two', 'opened']);
  });

  it('a subscriber acknowledges before the publication window is exhausted', () => {
    for (const buffers of [1, 3, 4, 15, 65_536]) {
      const unacknowledged = acknowledgementInterval(buffers) - 1;
      expect(unacknowledged)
        .to.be.at.least(0)
        .and.at.most(buffers - 1);
    }
  });
});
