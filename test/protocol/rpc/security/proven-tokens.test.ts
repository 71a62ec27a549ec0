/** Tokens for callers that prove the shared secret, with a manual clock. */
import { expect } from 'chai';
import { isProof, newNonce, prove } from '../../../../protocol/rpc/security/proof.js';
import { ProvenTokens } from '../../../../protocol/rpc/security/proven-tokens.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';

const SECRET = new Secret('sixteen bytes or more');
const LIMITS = { challenges: 2, challengeMs: 100, tokens: 2, idleMs: 1_000 };

describe('tokens for a proof of the shared secret', () => {
  let nowMs: number;
  let tokens: ProvenTokens;

  beforeEach(() => {
    nowMs = 0;
    tokens = new ProvenTokens(SECRET, { nowMs: () => nowMs, after: () => () => undefined }, LIMITS);
  });

  /** The proof of a caller with `secret`, and the server's nonce for it. */
  function proofOf(secret = SECRET, channel = 'rpc'): [nonce: Uint8Array, proof: Uint8Array] {
    const callerNonce = newNonce();
    const { nonce } = tokens.challenge(callerNonce);
    return [nonce, prove(secret, 'caller', { channel, callerNonce, listenerNonce: nonce })];
  }

  it('the server proves the secret before the caller does', () => {
    const callerNonce = newNonce();
    const { nonce, proof } = tokens.challenge(callerNonce);
    expect(
      isProof(proof, SECRET, 'listener', { channel: 'rpc', callerNonce, listenerNonce: nonce }),
    ).to.equal(true);
  });

  it('a correct proof yields one token, and its repetition none', () => {
    const [nonce, proof] = proofOf();
    const token = tokens.authenticate(nonce, proof) ?? '';
    expect(token).to.match(/^[0-9a-f]{64}$/);
    expect(tokens.renew(token)).to.equal(true);
    expect(tokens.authenticate(nonce, proof), 'replayed').to.equal(undefined);
  });

  it('a proof with a wrong secret, for another service, or of the server itself yields no token', () => {
    expect(tokens.authenticate(...proofOf(new Secret('sixteen other bytes')))).to.equal(undefined);
    expect(tokens.authenticate(...proofOf(SECRET, 'data'))).to.equal(undefined);
    const { nonce, proof } = tokens.challenge(newNonce());
    expect(tokens.authenticate(nonce, proof), 'reflected').to.equal(undefined);
  });

  it('a proof that is late, or after too many newer challenges, yields no token', () => {
    const late = proofOf();
    nowMs = 101;
    expect(tokens.authenticate(...late)).to.equal(undefined);
    const pushed = proofOf();
    proofOf();
    proofOf();
    expect(tokens.authenticate(...pushed)).to.equal(undefined);
  });

  it('an unused token expires, and beyond the bound the least recently used one is dropped', () => {
    const [a = '', b = ''] = [tokens.authenticate(...proofOf()), tokens.authenticate(...proofOf())];
    nowMs = 900;
    expect(tokens.renew(a)).to.equal(true);
    nowMs = 1_500;
    expect([tokens.renew(a), tokens.renew(b)]).to.deep.equal([true, false]);
    const others = [proofOf(), proofOf()].map((proof) => tokens.authenticate(...proof) ?? '');
    expect(tokens.renew(a)).to.equal(false);
    expect(others.every((token) => tokens.renew(token))).to.equal(true);
  });

  it('a server without a secret refuses challenges and proofs', () => {
    const without = new ProvenTokens(undefined, { nowMs: () => 0, after: () => () => undefined });
    expect(() => without.challenge(newNonce())).to.throw('no shared secret');
    expect(() => without.authenticate(newNonce(), newNonce())).to.throw('no shared secret');
  });
});
