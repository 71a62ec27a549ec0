/** What a flow is, as JSON in the header of its file: read back, and what is no identity. Pure. */
import { expect } from 'chai';
import { decodeIdentity, encodeIdentity } from '../../../../protocol/flow/flow-file/identity.js';

describe('the identity in a flow file', () => {
  const identity = {
    application: 'e1',
    flow: 'spectra',
    type: 'bytes',
    properties: { unit: 'byte', parts: [1] },
  };

  it('is read back as it was written', () => {
    expect(decodeIdentity(encodeIdentity(identity, 'boot'))).to.deep.equal({ ...identity, bootId: 'boot' });
  });

  it('has every member, of the right type', () => {
    const whole = { ...identity, bootId: 'boot' };
    const read = (value: unknown) => decodeIdentity(Buffer.from(JSON.stringify(value)));
    expect(read({ ...whole, newer: 1 })).to.deep.equal(whole);
    for (const name of Object.keys(whole)) {
      expect(read({ ...whole, [name]: undefined }), `without ${name}`).to.equal(undefined);
      for (const wrong of [1, null, true, [], ['a']])
        expect(read({ ...whole, [name]: wrong }), `${name} is ${JSON.stringify(wrong)}`).to.equal(undefined);
    }
    expect(read({ ...whole, properties: 'text' })).to.equal(undefined);
    for (const other of [null, 1, 'text', []]) expect(read(other)).to.equal(undefined);
    for (const text of ['', '{', 'no JSON']) expect(decodeIdentity(Buffer.from(text))).to.equal(undefined);
  });
});
