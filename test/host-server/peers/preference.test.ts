import { expect } from 'chai';
import { choose } from '../../../host-server/peers/preference.js';

describe('of two connections between two hosts', () => {
  it('both ends keep the one that the host with the smaller name has made', () => {
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

  it('a caller that comes again has lost the first one', () => {
    const again = { caller: 'b', instance: '1' };
    expect(choose('a', 'b', again, again)).to.equal('new');
  });

  it('another start under the same name is another host, until the first one is known to be gone', () => {
    expect(choose('a', 'b', { caller: 'b', instance: '1' }, { caller: 'b', instance: '2' })).to.equal(
      'conflict',
    );
  });
});
