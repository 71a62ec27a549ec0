/**
 * Tokens for callers over HTTP that have proved that they know the shared secret: challenge, proof,
 * and a token that ends when it is not used. Pure: time comes in, nothing is read or sent. Memory
 * is bounded whoever asks how often.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { isProof, newNonce, prove, type Challenge } from './proof.js';
import type { Secret } from './secret.js';

/** What is proved for: a proof made for another service is none here. */
const CHANNEL = 'rpc';
const TOKEN_BYTES = 32;

export interface ProvenTokensLimits {
  /** Challenges that wait for their proof; beyond, the oldest is worth nothing any more. */
  readonly challenges: number;
  /** From a challenge to its proof. */
  readonly challengeMs: number;
  /** Tokens at a time; beyond, the one that was unused for longest ends. */
  readonly tokens: number;
  /** Without a call, a token ends. */
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

interface Issued {
  readonly challenge: Challenge;
  readonly atMs: number;
}

export class ProvenTokens {
  readonly #secret: Secret | undefined;
  readonly #clock: Clock;
  readonly #limits: ProvenTokensLimits;
  /** By the listener's nonce, oldest first. */
  readonly #issued = new Map<string, Issued>();
  /**
   * When a token was used last, by its digest, longest unused first: finding one takes no longer
   * for a near miss.
   */
  readonly #tokens = new Map<string, number>();

  /** Without a secret nobody can prove anything. */
  constructor(secret: Secret | undefined, clock: Clock, limits = PROVEN_TOKENS_LIMITS) {
    this.#secret = secret;
    this.#clock = clock;
    this.#limits = limits;
  }

  /**
   * Answers a caller's nonce with one's own and one's proof. Throws REFUSED without a secret,
   * BAD_MESSAGE for a nonce of a wrong size.
   */
  challenge(callerNonce: Uint8Array): Answer {
    const secret = this.#known();
    const challenge = { channel: CHANNEL, callerNonce: Buffer.from(callerNonce), listenerNonce: newNonce() };
    const proof = prove(secret, 'listener', challenge);
    dropOldest(this.#issued, this.#limits.challenges - 1);
    this.#issued.set(keyOf(challenge.listenerNonce), { challenge, atMs: this.#clock.nowMs() });
    return { nonce: challenge.listenerNonce, proof };
  }

  /**
   * A token for the right proof, undefined for a wrong one. A challenge can be answered once.
   * Throws REFUSED without a secret.
   */
  authenticate(listenerNonce: Uint8Array, proof: Uint8Array): string | undefined {
    const secret = this.#known();
    const key = keyOf(listenerNonce);
    const issued = this.#issued.get(key);
    this.#issued.delete(key);
    const now = this.#clock.nowMs();
    if (issued === undefined || now - issued.atMs > this.#limits.challengeMs) return undefined;
    if (!isProof(proof, secret, 'caller', issued.challenge)) return undefined;
    const token = randomBytes(TOKEN_BYTES).toString('hex');
    this.#forget(now);
    dropOldest(this.#tokens, this.#limits.tokens - 1);
    this.#tokens.set(digest(token), now);
    return token;
  }

  /** Whether that is a token that has not ended; it then goes on for another idle time. */
  uses(token: string): boolean {
    const key = digest(token);
    const usedMs = this.#tokens.get(key);
    if (usedMs === undefined) return false;
    this.#tokens.delete(key);
    const now = this.#clock.nowMs();
    if (now - usedMs > this.#limits.idleMs) return false;
    this.#tokens.set(key, now);
    return true;
  }

  #forget(now: number): void {
    for (const [key, usedMs] of this.#tokens) {
      if (now - usedMs <= this.#limits.idleMs) return;
      this.#tokens.delete(key);
    }
  }

  #known(): Secret {
    if (this.#secret !== undefined) return this.#secret;
    throw new MirrorflowError('REFUSED', 'this server has no shared secret; use the token of its directory');
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
