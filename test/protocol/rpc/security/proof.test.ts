import { expect } from 'chai';
import fc from 'fast-check';
import {
  isProof,
  newNonce,
  NONCE_BYTES,
  prove,
  type Challenge,
} from '../../../../protocol/rpc/security/proof.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';

const secret = new Secret('correct horse battery staple');

function challenge(more: Partial<Challenge> = {}): Challenge {
  return { channel: 'data', callerNonce: newNonce(), listenerNonce: newNonce(), ...more };
}

describe('a proof of the shared secret', () => {
  it('holds for the same secret, side, channel, nonces and bound bytes', () => {
    const said = challenge({ bound: Buffer.from('e23001/spectra') });
    expect(isProof(prove(secret, 'caller', said), secret, 'caller', said)).to.equal(true);
  });

  it('cannot be sent back by the other side', () => {
    const said = challenge();
    expect(isProof(prove(secret, 'caller', said), secret, 'listener', said)).to.equal(false);
  });

  it('is worth nothing when anything of it is another', () => {
    const said = challenge({ bound: Buffer.from('a') });
    const proof = prove(secret, 'caller', said);
    for (const other of [
      { ...said, channel: 'control' },
      { ...said, callerNonce: newNonce() },
      { ...said, listenerNonce: newNonce() },
      { ...said, bound: Buffer.from('b') },
      { ...said, callerNonce: said.listenerNonce, listenerNonce: said.callerNonce },
    ]) {
      expect(isProof(proof, secret, 'caller', other)).to.equal(false);
    }
    expect(isProof(proof, new Secret('correct horse battery stapler'), 'caller', said)).to.equal(false);
  });

  it('has nothing in common with any other bytes', () => {
    const said = challenge();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => !isProof(bytes, secret, 'caller', said)),
    );
  });

  it('is not made over a nonce that is too short to be one', () => {
    const short = challenge({ callerNonce: Buffer.alloc(NONCE_BYTES - 1) });
    expect(() => prove(secret, 'caller', short)).to.throw(`it must have ${NONCE_BYTES}`);
  });
});
