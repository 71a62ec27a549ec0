/** Places of connections that have proved nothing: a pure object. */
import { expect } from 'chai';
import { UnprovenPlaces } from '../../../../protocol/rpc/security/unproven-places.js';

const LIMITS = { perAddress: 2, total: 4, perPeer: 2 };

describe('places of unproven connections', () => {
  let dropped: string[];
  let places: UnprovenPlaces;

  beforeEach(() => {
    dropped = [];
    places = new UnprovenPlaces(LIMITS, (address) => address.startsWith('peer'));
  });

  const take = (address: string, name = address) => places.take(address, () => dropped.push(name));

  it('an address with too many connections pushes out its own oldest', () => {
    take('other');
    for (const name of ['a1', 'a2', 'a3']) take('a', name);
    expect(dropped).to.deep.equal(['a1']);
    expect(places.taken).to.equal(3);
  });

  it('when all places are taken, the address with most connections gives one up', () => {
    take('b');
    for (const name of ['a1', 'a2']) take('a', name);
    take('c');
    take('d');
    expect(dropped).to.deep.equal(['a1']);
    take('e');
    expect(dropped, 'then the one that came first').to.deep.equal(['a1', 'b']);
  });

  it('no flood takes the place of a configured host, whose places are its own', () => {
    take('peer1');
    for (let index = 0; index < 100; index += 1) take(`flood-${index}`);
    expect(dropped).not.to.include('peer1');
    for (const name of ['x', 'y']) take('peer1', name);
    expect(dropped).to.include('peer1').and.not.to.include('x');
  });

  it('a place that was given back is free, once', () => {
    const giveBack = take('a');
    giveBack();
    giveBack();
    expect(places.taken).to.equal(0);
    for (const name of ['a1', 'a2']) take('a', name);
    expect(dropped).to.deep.equal([]);
  });
});
