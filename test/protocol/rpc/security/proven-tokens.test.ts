import { expect } from 'chai';
import { isProof, newNonce, prove } from '../../../../protocol/rpc/security/proof.js';
import { ProvenTokens } from '../../../../protocol/rpc/security/proven-tokens.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';

const SECRET = new Secret('sixteen bytes or more');
const LIMITS = { challenges: 2, challengeMs: 100, tokens: 2, idleMs: 1_000 };

describe('tokens for a proof of the shared secret', () => {
  let now: number;
  let tokens: ProvenTokens;

  beforeEach(() => {
    now = 0;
    tokens = new ProvenTokens(SECRET, { nowMs: () => now, after: () => () => undefined }, LIMITS);
  });

  /** The proof of a caller that knows `secret`, and the nonce it belongs to. */
  function proofOf(secret = SECRET, channel = 'rpc'): [nonce: Uint8Array, proof: Uint8Array] {
    const callerNonce = newNonce();
    const { nonce } = tokens.challenge(callerNonce);
    return [nonce, prove(secret, 'caller', { channel, callerNonce, listenerNonce: nonce })];
  }

  it('the server proves itself first', () => {
    const callerNonce = newNonce();
    const { nonce, proof } = tokens.challenge(callerNonce);
    expect(
      isProof(proof, SECRET, 'listener', { channel: 'rpc', callerNonce, listenerNonce: nonce }),
    ).to.equal(true);
  });

  it('are given for the right proof, once', () => {
    const [nonce, proof] = proofOf();
    const token = tokens.authenticate(nonce, proof) ?? '';
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(tokens.uses(token)).to.equal(true);
    expect(tokens.authenticate(nonce, proof), 'replayed').to.equal(undefined);
  });

  it('are not given for a wrong secret, for a proof of another service, or for the server’s own', () => {
    expect(tokens.authenticate(...proofOf(new Secret('sixteen other bytes')))).to.equal(undefined);
    expect(tokens.authenticate(...proofOf(SECRET, 'data'))).to.equal(undefined);
    const { nonce, proof } = tokens.challenge(newNonce());
    expect(tokens.authenticate(nonce, proof), 'reflected').to.equal(undefined);
  });

  it('are not given when the proof comes late, or too many others have begun since', () => {
    const late = proofOf();
    now = 101;
    expect(tokens.authenticate(...late)).to.equal(undefined);
    const pushed = proofOf();
    proofOf();
    proofOf();
    expect(tokens.authenticate(...pushed)).to.equal(undefined);
  });

  it('end when they are not used, and the one unused for longest when there are too many', () => {
    const [a = '', b = ''] = [tokens.authenticate(...proofOf()), tokens.authenticate(...proofOf())];
    now = 900;
    expect(tokens.uses(a)).to.equal(true);
    now = 1_500;
    expect([tokens.uses(a), tokens.uses(b)]).to.deep.equal([true, false]);
    const others = [proofOf(), proofOf()].map((proof) => tokens.authenticate(...proof) ?? '');
    expect(tokens.uses(a)).to.equal(false);
    expect(others.every((token) => tokens.uses(token))).to.equal(true);
  });

  it('nobody gets one without a secret', () => {
    const without = new ProvenTokens(undefined, { nowMs: () => 0, after: () => () => undefined });
    expect(() => without.challenge(newNonce())).to.throw('no shared secret');
    expect(() => without.authenticate(newNonce(), newNonce())).to.throw('no shared secret');
  });
});
