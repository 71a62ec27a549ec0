/** The one rule that decides whether an application's SpecTcl may be changed. */
import { expect } from 'chai';
import { changesAllowed } from '../../../../protocol/rpc/contract/changes-allowed.js';

const PORTS = { restPort: 0, mirrorPort: 0 };

describe('the rule about changes of SpecTcl', () => {
  it('nothing changes SpecTcl unless the application or its gateway allows it', () => {
    expect(changesAllowed({})).to.equal(false);
    expect(changesAllowed({ gateway: PORTS })).to.equal(false);
    expect(changesAllowed({ allowChanges: true })).to.equal(true);
    expect(changesAllowed({ gateway: { ...PORTS, allowChanges: true } })).to.equal(true);
  });

  it('the gateway has the last word where both say something', () => {
    expect(changesAllowed({ allowChanges: true, gateway: PORTS })).to.equal(true);
    expect(changesAllowed({ allowChanges: true, gateway: { ...PORTS, allowChanges: false } })).to.equal(
      false,
    );
    expect(changesAllowed({ allowChanges: false, gateway: { ...PORTS, allowChanges: true } })).to.equal(true);
  });
});
