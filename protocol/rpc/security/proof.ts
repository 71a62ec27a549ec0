/**
 * Proof by challenge that both ends know the shared secret, which itself never travels. Pure: no
 * I/O.
 *
 *   caller                                   listener
 *     | -- caller nonce, what it wants ------->  |
 *     | <- listener nonce, listener's proof ---  |   the caller checks it: nobody pretends to be the listener
 *     | -- caller's proof -------------------->  |   the listener checks it, and only then does anything
 *
 * proof = HMAC-SHA-256(secret, "mirrorflow" channel side callerNonce listenerNonce bound), each
 * text and the bound bytes preceded by their length as u32, little-endian
 *
 * Both nonces are in both proofs, so that a recorded handshake is worth nothing; the side is, so
 * that a proof cannot be sent back; the channel is, so that a proof for one service is none for
 * another; `bound` is whatever the two have said that nobody in between may change.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MirrorflowError } from '../../base/errors.js';
import type { Secret } from './secret.js';

export const NONCE_BYTES = 32;
export const PROOF_BYTES = 32;

const NOTHING = new Uint8Array(0);

/** Which of the two ends makes the proof. */
export type ProofSide = 'caller' | 'listener';

export interface Challenge {
  /**
   * What is being proved for: `data` between duplicators, `control` between servers, `rpc` over
   * HTTP.
   */
  readonly channel: string;
  readonly callerNonce: Uint8Array;
  readonly listenerNonce: Uint8Array;
  /** What else both ends must have seen alike. Default: nothing. */
  readonly bound?: Uint8Array;
}

/** Fresh for every handshake and never used again. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

/** PROOF_BYTES. Throws BAD_MESSAGE for a nonce of another size than NONCE_BYTES. */
export function prove(secret: Secret, side: ProofSide, challenge: Challenge): Buffer {
  const { channel, callerNonce, listenerNonce, bound = NOTHING } = challenge;
  const hmac = createHmac('sha256', secret.key);
  for (const part of ['mirrorflow', channel, side]) addCounted(hmac, Buffer.from(part));
  for (const nonce of [callerNonce, listenerNonce]) {
    if (nonce.length !== NONCE_BYTES) {
      throw new MirrorflowError(
        'BAD_MESSAGE',
        `a nonce has ${nonce.length} bytes; it must have ${NONCE_BYTES}`,
      );
    }
    hmac.update(nonce);
  }
  addCounted(hmac, bound);
  return hmac.digest();
}

/** Whether `proof` is that of `side`; takes as long for a wrong one as for a right one. */
export function isProof(proof: Uint8Array, secret: Secret, side: ProofSide, challenge: Challenge): boolean {
  return proof.length === PROOF_BYTES && timingSafeEqual(proof, prove(secret, side, challenge));
}

function addCounted(hmac: ReturnType<typeof createHmac>, bytes: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  hmac.update(length).update(bytes);
}
