/**
 * Computes and checks proofs of the shared secret, which itself is never sent. Each end sends a
 * random number (nonce), and each end proves with an HMAC over both nonces that it has the
 * secret. Used by the handshakes between host servers and between duplicators, and by
 * `system.authenticate`. Pure.
 *
 *   caller                                   listener
 *     | -- caller nonce, request ------------->  |
 *     | <- listener nonce, listener's proof ---  |   the caller checks the proof before it sends its own
 *     | -- caller's proof -------------------->  |   the listener checks the proof before it acts
 *
 * proof = HMAC-SHA-256(secret, "mirrorflow" channel side callerNonce listenerNonce bound...), each
 * text and each bound part preceded by its length as u32, little-endian
 *
 * The nonces make a recorded proof useless; the side prevents that a proof is sent back to its
 * author; the channel prevents that a proof for one service is used for another; `bound` protects
 * other values of the handshake, and the transport, against changes by a third party.
 *
 * While a secret is exchanged, hosts accept two. The last 8 bytes of a caller's nonce are a hint at
 * the secret that the caller has, HMAC-SHA-256(secret, "mirrorflow" channel "hint" random bytes),
 * so that the listener proves the same one.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MirrorflowError } from '../../base/errors.js';
import type { Secret } from './secret.js';

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;

/** Random bytes in front of the hint in the nonce of a caller. */
const HINTED_BYTES = 24;
const NOTHING_BOUND: readonly Uint8Array[] = [new Uint8Array(0)];

/** The end that computes the proof. */
export type ProofSide = 'caller' | 'listener';

export interface Challenge {
  /** The service: `data` between duplicators, `control` between host servers, `rpc` over HTTP. */
  readonly channel: string;
  readonly callerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
  /** Further parts that must be the same on both ends. Default: one empty part. */
  readonly bound?: readonly Uint8Array[];
}

/** Random bytes for one handshake. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/** The nonce of a caller that has `secret`: random bytes and a hint at the secret. */
export function newCallerNonce(secret: Secret, channel: string): Buffer {
  const random = randomBytes(HINTED_BYTES);
  return Buffer.concat([random, hintOf(secret.key, channel, random)]);
}

/** The accepted secret that the caller of this nonce has; undefined when its hint fits none. */
export function hintedKey(nonce: Uint8Array, secret: Secret, channel: string): Uint8Array | undefined {
  const [random, hint] = [nonce.subarray(0, HINTED_BYTES), nonce.subarray(HINTED_BYTES)];
  const fits = (key: Uint8Array): boolean => hintOf(key, channel, random).equals(hint);
  return secret.accepted.find(fits);
}

/**
 * Returns PROOF_BYTES bytes. Throws BAD_MESSAGE for a nonce that does not have NONCE_BYTES. `key`:
 * bytes of the secret.
 */
export function proveWith(key: Uint8Array, side: ProofSide, challenge: Challenge): Buffer {
  const { channel, callerNonce, listenerNonce, bound = NOTHING_BOUND } = challenge;
  const hmac = createHmac('sha256', key);
  for (const part of ['mirrorflow', channel, side]) addWithLength(hmac, Buffer.from(part));
  for (const nonce of [callerNonce, listenerNonce]) {
    if (nonce.length !== NONCE_BYTES) {
      throw new MirrorflowError(
        'BAD_MESSAGE',
        `a nonce has ${nonce.length} bytes; it must have ${NONCE_BYTES}`,
      );
    }
    hmac.update(nonce);
  }
  for (const part of bound) addWithLength(hmac, part);
  return hmac.digest();
}

/** Like `proveWith`, for the first of the accepted secrets. */
export function prove(secret: Secret, side: ProofSide, challenge: Challenge): Buffer {
  return proveWith(secret.key, side, challenge);
}

/** The accepted secret that `proof` proves; undefined when it proves none. In constant time. */
export function provenKey(
  proof: Uint8Array,
  secret: Secret,
  side: ProofSide,
  challenge: Challenge,
): Uint8Array | undefined {
  if (proof.length !== PROOF_BYTES) return undefined;
  return secret.accepted.find((key) => timingSafeEqual(proof, proveWith(key, side, challenge)));
}

/** Whether `proof` is the proof of `side` for an accepted secret. */
export function isProof(proof: Uint8Array, secret: Secret, side: ProofSide, challenge: Challenge): boolean {
  return provenKey(proof, secret, side, challenge) !== undefined;
}

function hintOf(key: Uint8Array, channel: string, random: Uint8Array): Buffer {
  const hmac = createHmac('sha256', key);
  for (const part of ['mirrorflow', channel, 'hint']) addWithLength(hmac, Buffer.from(part));
  return hmac
    .update(random)
    .digest()
    .subarray(0, NONCE_BYTES - HINTED_BYTES);
}

function addWithLength(hmac: ReturnType<typeof createHmac>, bytes: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  hmac.update(length).update(bytes);
}
