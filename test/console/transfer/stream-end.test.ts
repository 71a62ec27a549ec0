import { expect } from 'chai';
import { StreamEnd } from '../../../console/transfer/stream-end.js';

describe('the end of what a provider sends', () => {
  it('is the end or the death of the provider that is there, and no other one', () => {
    const end = new StreamEnd({ state: 'live', generation: 3, next: false });
    expect([end.place(2), end.place(3), end.place(4)]).to.deep.equal(['earlier', 'this', 'later']);
    end.told('ended', 2);
    expect(end.ending).to.equal(undefined);
    end.told('ended', 3);
    end.told('live', 4);
    expect(end.ending).to.equal('ended');
    const other = new StreamEnd({ state: 'live', generation: 3, next: false });
    other.told('stale', 3);
    expect(other.ending).to.equal('died');
    const unseen = new StreamEnd({ state: 'live', generation: 3, next: true });
    unseen.told('live', 4);
    expect(unseen.ending).to.equal('died');
  });

  it('is known at once where the provider has left, unless the next one is meant', () => {
    expect(new StreamEnd({ state: 'ended', generation: 1, next: false }).ending).to.equal('ended');
    expect(new StreamEnd({ state: 'stale', generation: 1, next: false }).ending).to.equal('died');
    const next = new StreamEnd({ state: 'ended', generation: 1, next: true });
    expect([next.ending, next.place(1), next.place(2)]).to.deep.equal([undefined, 'earlier', 'this']);
    const first = new StreamEnd({ state: 'starting', generation: 0, next: false });
    expect([first.ending, first.place(1)]).to.deep.equal([undefined, 'this']);
  });

  it('goes on through absences of a source that no provider is', () => {
    const end = new StreamEnd({ state: 'live', generation: 0, next: false });
    end.told('stale', 0);
    expect([end.ending, end.place(0)]).to.deep.equal([undefined, 'this']);
    end.told('ended', 0);
    expect(end.ending).to.equal('ended');
  });

  it('knows the next generation also where they begin again', () => {
    const end = new StreamEnd({ state: 'ended', generation: 0xffff, next: true });
    expect([end.place(0xffff), end.place(1), end.place(2)]).to.deep.equal(['earlier', 'this', 'later']);
  });
});
