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
 * proof = HMAC-SHA-256(secret, "mirrorflow" channel side callerNonce listenerNonce bound), each
 * text and the bound bytes preceded by their length as u32, little-endian
 *
 * The nonces make a recorded proof useless; the side prevents that a proof is sent back to its
 * author; the channel prevents that a proof for one service is used for another; `bound` protects
 * other values of the handshake against changes by a third party.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MirrorflowError } from '../../base/errors.js';
import type { Secret } from './secret.js';

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;

const NO_BYTES = new Uint8Array(0);

/** The end that computes the proof. */
export type ProofSide = 'caller' | 'listener';

export interface Challenge {
  /** The service: `data` between duplicators, `control` between host servers, `rpc` over HTTP. */
  readonly channel: string;
  readonly callerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
  /** Further bytes that must be the same on both ends. Default: none. */
  readonly bound?: Uint8Array;
}

/** Random bytes for one handshake. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/** Returns PROOF_BYTES bytes. Throws BAD_MESSAGE for a nonce that does not have NONCE_BYTES. */
export function prove(secret: Secret, side: ProofSide, challenge: Challenge): Buffer {
  const { channel, callerNonce, listenerNonce, bound = NO_BYTES } = challenge;
  const hmac = createHmac('sha256', secret.key);
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
  addWithLength(hmac, bound);
  return hmac.digest();
}

/** Whether `proof` is the proof of `side`; compares in constant time. */
export function isProof(proof: Uint8Array, secret: Secret, side: ProofSide, challenge: Challenge): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, prove(secret, side, challenge));
}

function addWithLength(hmac: ReturnType<typeof createHmac>, bytes: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  hmac.update(length).update(bytes);
}
