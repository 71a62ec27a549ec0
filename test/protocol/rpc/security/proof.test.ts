/** Proofs of the shared secret: valid for exactly one use. Pure. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  hintedKey,
  isProof,
  newCallerNonce,
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
    const challenge = newChallenge({ bound: [Buffer.from('e23001/spectra')] });
    expect(isProof(prove(secret, 'caller', challenge), secret, 'caller', challenge)).to.equal(true);
  });

  it('a proof of the caller is not valid for the listener', () => {
    const challenge = newChallenge();
    expect(isProof(prove(secret, 'caller', challenge), secret, 'listener', challenge)).to.equal(false);
  });

  it('a proof is not valid for another channel, nonce, secret or other bound bytes', () => {
    const challenge = newChallenge({ bound: [Buffer.from('a')] });
    const proof = prove(secret, 'caller', challenge);
    for (const other of [
      { ...challenge, channel: 'control' },
      { ...challenge, callerNonce: newNonce() },
      { ...challenge, listenerNonce: newNonce() },
      { ...challenge, bound: [Buffer.from('b')] },
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

  it('proofs have the documented bytes, as another implementation computes them', () => {
    const fixed = new Secret('sixteen bytes or more');
    const nonces = { callerNonce: Buffer.alloc(32, 1), listenerNonce: Buffer.alloc(32, 2) };
    const none = Buffer.from('none');
    const versions = Buffer.from('0200000002000000', 'hex');
    const control = { channel: 'control', ...nonces, bound: [versions, none, none] };
    expect(prove(fixed, 'listener', control).toString('hex')).to.equal(
      '2e58b94b8fbd2a76e3d65ce2918b9e251ce8d8e17b035edfdbdf2ba0bed77094',
    );
    const data = { channel: 'data', ...nonces, bound: [Buffer.from('hello'), Buffer.alloc(32, 7), none] };
    expect(prove(fixed, 'caller', data).toString('hex')).to.equal(
      '4fcc047e731c5e2c8f06f3a592a50b30b14f55325a216884dacd8c10e2f3ab83',
    );
  });

  it('the hint in the nonce of a caller names one of two accepted secrets', () => {
    const [fresh, old] = ['sixteen bytes or more', 'sixteen older bytes'].map((text) => Buffer.from(text));
    const both = new Secret(() => [fresh ?? Buffer.alloc(0), old ?? Buffer.alloc(0)]);
    const nonce = newCallerNonce(new Secret('sixteen older bytes'), 'data');
    expect(hintedKey(nonce, both, 'data')).to.equal(old);
    expect(hintedKey(nonce, both, 'control'), 'another service').to.equal(undefined);
    expect(hintedKey(newNonce(), both, 'data'), 'no hint').to.equal(undefined);
    const known = Buffer.concat([Buffer.alloc(24, 1), Buffer.from('319eec697eacd4e2', 'hex')]);
    const last = new Secret(() => [old ?? Buffer.alloc(0), fresh ?? Buffer.alloc(0)]);
    expect(hintedKey(known, last, 'data'), 'the documented bytes').to.equal(fresh);
  });
});
