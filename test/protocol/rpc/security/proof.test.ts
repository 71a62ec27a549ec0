/** Proofs of the shared secret: valid for exactly one use. Pure. */
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

function newChallenge(members: Partial<Challenge> = {}): Challenge {
  return { channel: 'data', callerNonce: newNonce(), listenerNonce: newNonce(), ...members };
}

describe('proofs of the shared secret', () => {
  it('a proof is valid for the same secret, side, channel, nonces and bound bytes', () => {
    const challenge = newChallenge({ bound: Buffer.from('e23001/spectra') });
    expect(isProof(prove(secret, 'caller', challenge), secret, 'caller', challenge)).to.equal(true);
  });

  it('a proof of the caller is not valid for the listener', () => {
    const challenge = newChallenge();
    expect(isProof(prove(secret, 'caller', challenge), secret, 'listener', challenge)).to.equal(false);
  });

  it('a proof is not valid for another channel, nonce, secret or other bound bytes', () => {
    const challenge = newChallenge({ bound: Buffer.from('a') });
    const proof = prove(secret, 'caller', challenge);
    for (const other of [
      { ...challenge, channel: 'control' },
      { ...challenge, callerNonce: newNonce() },
      { ...challenge, listenerNonce: newNonce() },
      { ...challenge, bound: Buffer.from('b') },
      { ...challenge, callerNonce: challenge.listenerNonce, listenerNonce: challenge.callerNonce },
    ]) {
      expect(isProof(proof, secret, 'caller', other)).to.equal(false);
    }
    expect(isProof(proof, new Secret('correct horse battery stapler'), 'caller', challenge)).to.equal(false);
  });

  it('arbitrary bytes are not a valid proof', () => {
    const challenge = newChallenge();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => !isProof(bytes, secret, 'caller', challenge)),
    );
  });

  it('a nonce that is too short is refused', () => {
    const short = newChallenge({ callerNonce: Buffer.alloc(NONCE_BYTES - 1) });
    expect(() => prove(secret, 'caller', short)).to.throw(`it must have ${NONCE_BYTES}`);
  });
});
