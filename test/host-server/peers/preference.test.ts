/** The rule that chooses one of two connections between two hosts. */
import { expect } from 'chai';
import { choose } from '../../../host-server/peers/preference.js';

describe('of two connections between two hosts', () => {
  it('both hosts keep the connection that the host with the smaller name has made', () => {
    const [byA, byB] = [
      { caller: 'a', instance: '1' },
      { caller: 'b', instance: '1' },
    ];
    for (const [own, peer] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      expect(choose(own, peer, byA, byB)).to.equal('present');
      expect(choose(own, peer, byB, byA)).to.equal('new');
    }
  });

  it('a second connection of the same caller replaces the first one', () => {
    const again = { caller: 'b', instance: '1' };
    expect(choose('a', 'b', again, again)).to.equal('new');
  });

  it('another instance under the same name is a conflict while the first one is connected', () => {
    expect(choose('a', 'b', { caller: 'b', instance: '1' }, { caller: 'b', instance: '2' })).to.equal(
      'conflict',
    );
  });
});
