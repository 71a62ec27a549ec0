/** When `receive` has reached the end of what one provider sends. Pure. */
import { expect } from 'chai';
import { StreamEnd } from '../../../console/transfer/stream-end.js';

describe("the end of a provider's data", () => {
  it('only the end or death of the provider received from ends a reception', () => {
    const end = new StreamEnd({ state: 'live', generation: 3, next: false });
    expect([end.place(2), end.place(3), end.place(4)]).to.deep.equal(['earlier', 'this', 'later']);
    end.update('ended', 2);
    expect(end.ending).to.equal(undefined);
    end.update('ended', 3);
    end.update('live', 4);
    expect(end.ending).to.equal('ended');
    const other = new StreamEnd({ state: 'live', generation: 3, next: false });
    other.update('stale', 3);
    expect(other.ending).to.equal('died');
    const unseen = new StreamEnd({ state: 'live', generation: 3, next: true });
    unseen.update('live', 4);
    expect(unseen.ending).to.equal('died');
  });

  it('a provider that has left ends a reception at once unless it waits for the next one', () => {
    expect(new StreamEnd({ state: 'ended', generation: 1, next: false }).ending).to.equal('ended');
    expect(new StreamEnd({ state: 'stale', generation: 1, next: false }).ending).to.equal('died');
    const next = new StreamEnd({ state: 'ended', generation: 1, next: true });
    expect([next.ending, next.place(1), next.place(2)]).to.deep.equal([undefined, 'earlier', 'this']);
    const first = new StreamEnd({ state: 'starting', generation: 0, next: false });
    expect([first.ending, first.place(1)]).to.deep.equal([undefined, 'this']);
  });

  it('a flow that its duplicator fills continues after its source was stale', () => {
    const end = new StreamEnd({ state: 'live', generation: 0, next: false });
    end.update('stale', 0);
    expect([end.ending, end.place(0)]).to.deep.equal([undefined, 'this']);
    end.update('ended', 0);
    expect(end.ending).to.equal('ended');
  });

  it('a provider whose duplicator was replaced has died only when it has not reattached in time', () => {
    const back = new StreamEnd({ state: 'live', generation: 3, next: false });
    back.detached();
    back.update('stale', 3);
    expect(back.ending).to.equal(undefined);
    back.update('live', 3);
    back.reattachmentOver();
    expect(back.ending).to.equal(undefined);
    back.update('stale', 3);
    expect(back.ending).to.equal('died');
    const gone = new StreamEnd({ state: 'live', generation: 3, next: false });
    gone.detached();
    gone.update('stale', 3);
    gone.reattachmentOver();
    expect(gone.ending).to.equal('died');
  });

  it('the generation after the highest is the next one', () => {
    const end = new StreamEnd({ state: 'ended', generation: 0xffff, next: true });
    expect([end.place(0xffff), end.place(1), end.place(2)]).to.deep.equal(['earlier', 'this', 'later']);
  });
});
