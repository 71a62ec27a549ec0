/**
 * Issues tokens to callers over HTTP that prove the shared secret: `challenge` begins a proof,
 * `authenticate` checks it and returns a token, which expires when it is not used. Used by
 * `http-authentication.ts`. Pure: the clock is a parameter; memory is bounded for any number of
 * callers.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { hintedKey, isProof, newNonce, proveWith, type Challenge } from './proof.js';
import type { Secret } from './secret.js';

/** The service of the proofs: a proof for another service is not valid. */
const CHANNEL = 'rpc';
const TOKEN_BYTES = 32;

export interface ProvenTokensLimits {
  /** Challenges without a proof so far; beyond this bound the oldest one is dropped. */
  readonly challenges: number;
  /** Longest time from a challenge to its proof. */
  readonly challengeMs: number;
  /** Valid tokens; beyond this bound the least recently used one is dropped. */
  readonly tokens: number;
  /** A token that is not used for this long expires. */
  readonly idleMs: number;
}

export const PROVEN_TOKENS_LIMITS: ProvenTokensLimits = {
  challenges: 1_024,
  challengeMs: 10_000,
  tokens: 4_096,
  idleMs: LIMITS.rpcHttpSessionIdleMs,
};

/** The listener's half of a challenge. */
export interface Answer {
  readonly nonce: Uint8Array;
  readonly proof: Uint8Array;
}

interface IssuedChallenge {
  readonly challenge: Challenge;
  readonly issuedAtMs: number;
}

export class ProvenTokens {
  readonly #secret: Secret | undefined;
  readonly #clock: Clock;
  readonly #limits: ProvenTokensLimits;
  /** By the listener's nonce, oldest first. */
  readonly #issued = new Map<string, IssuedChallenge>();
  /**
   * The time of the last use of each token by the token's digest, least recently used first. The
   * time of a look-up by digest reveals nothing about similar tokens.
   */
  readonly #lastUsedMs = new Map<string, number>();

  /** Without a secret, every proof is refused. */
  constructor(secret: Secret | undefined, clock: Clock, limits = PROVEN_TOKENS_LIMITS) {
    this.#secret = secret;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Answers a caller's nonce with a new nonce and the server's proof. Throws REFUSED without a
   * secret, BAD_MESSAGE for a nonce of a wrong size.
   */
  challenge(callerNonce: Uint8Array): Answer {
    const secret = this.#requireSecret();
    const challenge = { channel: CHANNEL, callerNonce: Buffer.from(callerNonce), listenerNonce: newNonce() };
    // A caller without a hint is a program that may not have the new one of two secrets yet.
    const key = hintedKey(callerNonce, secret, CHANNEL) ?? secret.accepted.at(-1) ?? secret.key;
    const proof = proveWith(key, 'listener', challenge);
    dropOldest(this.#issued, this.#limits.challenges - 1);
    this.#issued.set(keyOf(challenge.listenerNonce), { challenge, issuedAtMs: this.#clock.nowMs() });
    return { nonce: challenge.listenerNonce, proof };
  }

  /**
   * Returns a token for a correct proof, undefined for a wrong or late one. A challenge can be used
   * once. Throws REFUSED without a secret.
   */
  authenticate(listenerNonce: Uint8Array, proof: Uint8Array): string | undefined {
    const secret = this.#requireSecret();
    const key = keyOf(listenerNonce);
    const issued = this.#issued.get(key);
    this.#issued.delete(key);
    const nowMs = this.#clock.nowMs();
    if (issued === undefined || nowMs - issued.issuedAtMs > this.#limits.challengeMs) return undefined;
    if (!isProof(proof, secret, 'caller', issued.challenge)) return undefined;
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    this.#removeExpired(nowMs);
    dropOldest(this.#lastUsedMs, this.#limits.tokens - 1);
    this.#lastUsedMs.set(digest(token), nowMs);
    return token;
  }

  /** Whether the token is valid; a valid token is renewed for another idle time. */
  renew(token: string): boolean {
    const key = digest(token);
    const usedAtMs = this.#lastUsedMs.get(key);
    if (usedAtMs === undefined) return false;
    this.#lastUsedMs.delete(key);
    const nowMs = this.#clock.nowMs();
    if (nowMs - usedAtMs > this.#limits.idleMs) return false;
    this.#lastUsedMs.set(key, nowMs);
    return true;
  }

  #removeExpired(nowMs: number): void {
    for (const [key, usedAtMs] of this.#lastUsedMs) {
      if (nowMs - usedAtMs <= this.#limits.idleMs) return;
      this.#lastUsedMs.delete(key);
    }
  }

  #requireSecret(): Secret {
    if (this.#secret !== undefined) return this.#secret;
    throw new MirrorflowError(
      'REFUSED',
      'this server has no shared secret; use the token of its runtime directory',
    );
  }
}

function keyOf(nonce: Uint8Array): string {
  return Buffer.from(nonce).toString('latin1');
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function dropOldest(entries: Map<string, unknown>, keep: number): void {
  for (const key of entries.keys()) {
    if (entries.size <= keep) return;
    entries.delete(key);
  }
}
