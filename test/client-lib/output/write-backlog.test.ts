/** The order of the buffers that wait for room. Pure memory. */
import { expect } from 'chai';
import { WriteBacklog } from '../../../client-lib/output/write-backlog.js';

describe('the buffers of an output flow that wait for room', () => {
  const whole = (flags: number) => ({ bytes: Buffer.of(flags), timestampNs: 10 * flags, flags });

  it('what is to be published again goes first, the oldest of it first, also when more of it comes', () => {
    const backlog = new WriteBacklog();
    backlog.push(Buffer.of(9), 90);
    backlog.repeat([whole(3), whole(4)]);
    backlog.repeat([whole(1), whole(2)]);
    expect([backlog.length, backlog.queued, backlog.isEmpty]).to.deep.equal([5, 1, false]);
    const written: number[][] = [];
    const put = (room: number) => (bytes: Buffer, timestampNs: number, flags: number) => {
      if (written.length === room) return false;
      written.push([...bytes, timestampNs, flags]);
      return true;
    };
    backlog.drain(put(3));
    expect([written.length, backlog.length, backlog.isEmpty]).to.deep.equal([3, 2, false]);
    backlog.drain(put(9));
    expect(written).to.deep.equal([
      [1, 10, 1],
      [2, 20, 2],
      [3, 30, 3],
      [4, 40, 4],
      [9, 90, 0],
    ]);
    expect([backlog.length, backlog.isEmpty]).to.deep.equal([0, true]);
  });

  it('nothing to be published again changes nothing', () => {
    const backlog = new WriteBacklog();
    backlog.repeat([]);
    expect([backlog.length, backlog.isEmpty]).to.deep.equal([0, true]);
  });
});
