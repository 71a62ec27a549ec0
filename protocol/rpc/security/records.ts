/**
 * Records: the protected pieces in which two hosts without TLS exchange everything behind a
 * handshake. Each carries a MAC, so that a program on the line can neither change, repeat, reorder
 * nor reflect them. Used by sessions between host servers and by links between duplicators. Pure.
 *
 * ```
 *    0 ┌────────────┐
 *      │ length u32 │  bytes of the content, little-endian
 *    4 ├────────────┴─────────────────┐
 *      │ content, `length` bytes      │  whole frames
 *      ├──────────────────────────────┤
 *      │ MAC, 32 bytes                │
 *      └──────────────────────────────┘
 * ```
 *
 * MAC = HMAC-SHA-256(key of the direction, direction u32, counter u64, length u32, content).
 * Direction is 1 from caller to listener, 2 from listener to caller; the counter of each direction
 * begins with 0 and is not sent. key = HKDF-SHA-256(secret, salt: caller's nonce, listener's
 * nonce; info: "mirrorflow 2 CHANNEL SIDE"), where SIDE is the side that sends.
 */
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Challenge, ProofSide } from './proof.js';

export const RECORD_HEAD_BYTES = 4;
export const MAC_BYTES = 32;
const KEY_BYTES = 32;

const DIRECTION = { caller: 1, listener: 2 } as const satisfies Record<ProofSide, number>;
/** Direction u32 and counter u64. */
const PREFIX_BYTES = 12;
const TWO_32 = 2 ** 32;

/** Both directions of one end of a connection. */
export interface RecordProtection {
  readonly sealer: RecordSealer;
  readonly verifier: RecordVerifier;
}

/** `key`: bytes of the secret that both ends have proved; `side`: of this end. */
export function protectionOf(key: Uint8Array, challenge: Challenge, side: ProofSide): RecordProtection {
  const other = side === 'caller' ? 'listener' : 'caller';
  return {
    sealer: new RecordSealer(keyOf(key, challenge, side), side),
    verifier: new RecordVerifier(keyOf(key, challenge, other), other),
  };
}

function keyOf(secret: Uint8Array, challenge: Challenge, side: ProofSide): KeyObject {
  const salt = Buffer.concat([challenge.callerNonce, challenge.listenerNonce]);
  const info = `mirrorflow 2 ${challenge.channel} ${side}`;
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, salt, info, KEY_BYTES)));
}

/** The MACs of one direction, in the order of its records. */
class RecordMacs {
  readonly #key: KeyObject;
  readonly #prefix = Buffer.alloc(PREFIX_BYTES);
  #counter = 0;

  constructor(key: KeyObject, direction: ProofSide) {
    this.#key = key;
    this.#prefix.writeUInt32LE(DIRECTION[direction], 0);
  }

  next(head: Uint8Array, content: readonly Uint8Array[]): Buffer {
    this.#prefix.writeUInt32LE(this.#counter % TWO_32, 4);
    this.#prefix.writeUInt32LE(Math.floor(this.#counter / TWO_32), 8);
    this.#counter += 1;
    const hmac = createHmac('sha256', this.#key).update(this.#prefix).update(head);
    for (const part of content) hmac.update(part);
    return hmac.digest();
  }
}

/** Makes the records that this end sends; they must be sent in the order in which they are made. */
export class RecordSealer {
  readonly #macs: RecordMacs;

  constructor(key: KeyObject, direction: ProofSide) {
    this.#macs = new RecordMacs(key, direction);
  }

  /** Head and MAC of a record with this content, which must not change before it is sent. */
  seal(content: Uint8Array): { readonly head: Buffer; readonly mac: Buffer } {
    const head = Buffer.allocUnsafe(RECORD_HEAD_BYTES);
    head.writeUInt32LE(content.length);
    return { head, mac: this.#macs.next(head, [content]) };
  }

  /** The whole record as a copy. */
  record(content: Uint8Array): Buffer {
    const { head, mac } = this.seal(content);
    return Buffer.concat([head, content, mac]);
  }
}

/** Checks the records that this end receives, in the order in which they arrive. */
export class RecordVerifier {
  readonly #macs: RecordMacs;

  constructor(key: KeyObject, direction: ProofSide) {
    this.#macs = new RecordMacs(key, direction);
  }

  /** Whether the next record is the other end's. `content`: in parts. */
  verify(head: Uint8Array, content: readonly Uint8Array[], mac: Uint8Array): boolean {
    return timingSafeEqual(mac, this.#macs.next(head, content));
  }
}

/** The reason that ends a connection whose record has another MAC. */
export const CHANGED_RECORD =
  'a record does not have the MAC of its place: a program on the line has changed, repeated or reordered it';

/** The reason for a record of a wrong length; undefined for a right one. */
export function lengthProblem(length: number, limitBytes: number): string | undefined {
  if (length >= 1 && length <= limitBytes) return undefined;
  return `a record claims ${length} bytes; 1 to ${limitBytes} are allowed`;
}
