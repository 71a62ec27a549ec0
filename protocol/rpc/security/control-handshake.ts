/**
 * How two servers prove each other the shared secret before a permanent connection over TCP or TLS
 * begins. Without I/O: bytes in; bytes to send, the end or a refusal out.
 *
 * ```
 *  caller -> listener    HELLO     0x89 "MFC" | version u32 | nonce (32)                                   40 bytes
 *  listener -> caller    ANSWER    0x89 "MFC" | version u32 | status u32 | nonce (32) | proof (32)         76 bytes
 *  caller -> listener    PROOF     proof (32)                                                              32 bytes
 *  listener -> caller    VERDICT   status u32                                                               4 bytes
 * ```
 * Little-endian. Status 0 is "go on"; everything else ends the connection. The proofs are those of
 * proof.ts for the channel `control`, bound to both versions. No message is longer than stated, and
 * none is sent before the one in front of it is answered, so that what has to be kept is a few
 * dozen bytes.
 */
import { MirrorflowError } from '../../base/errors.js';
import { isProof, NONCE_BYTES, newNonce, PROOF_BYTES, prove, type Challenge } from './proof.js';
import type { Secret } from './secret.js';

/** The first byte of a permanent connection over TCP; no HTTP request begins with it. */
export const CONTROL_FIRST_BYTE = 0x89;

const CHANNEL = 'control';
const MAGIC = Buffer.from([CONTROL_FIRST_BYTE, 0x4d, 0x46, 0x43]);
const VERSION_AT = MAGIC.length;
const HELLO_NONCE_AT = VERSION_AT + 4;
const HELLO_BYTES = HELLO_NONCE_AT + NONCE_BYTES;
const STATUS_AT = VERSION_AT + 4;
const ANSWER_NONCE_AT = STATUS_AT + 4;
const ANSWER_PROOF_AT = ANSWER_NONCE_AT + NONCE_BYTES;
const ANSWER_BYTES = ANSWER_PROOF_AT + PROOF_BYTES;
const VERDICT_BYTES = 4;

const STATUS = { goOn: 0, version: 1, proof: 2, noSecret: 3 } as const;

/** What is to be done after some bytes. */
export interface Step {
  readonly send?: Buffer;
  /** `more` waits; `proven` is the end; an error refuses, after what is to be sent. */
  readonly outcome: 'more' | 'proven' | MirrorflowError;
  /** Behind `proven`: bytes that belong to what follows. */
  readonly rest?: Buffer;
}

/** One end of a handshake. */
export interface Handshake {
  /** What is sent before anything has arrived. */
  readonly first: Buffer | undefined;
  push(chunk: Uint8Array): Step;
}

abstract class Collector {
  #kept = Buffer.alloc(0);

  /**
   * The bytes of the next message, or undefined while it is not complete. Never keeps more than one
   * chunk and one message.
   */
  protected take(chunk: Uint8Array, length: number): Buffer | undefined {
    this.#kept = Buffer.concat([this.#kept, chunk]);
    if (this.#kept.length < length) return undefined;
    const message = this.#kept.subarray(0, length);
    this.#kept = this.#kept.subarray(length);
    return message;
  }

  protected get kept(): Buffer {
    return this.#kept;
  }
}

export class ControlListener extends Collector implements Handshake {
  readonly first = undefined;
  readonly #secret: Secret | undefined;
  readonly #version: number;
  #challenge: Challenge | undefined;

  /** Without a secret it refuses everybody, and says why. */
  constructor(secret: Secret | undefined, version: number) {
    super();
    this.#secret = secret;
    this.#version = version;
  }

  push(chunk: Uint8Array): Step {
    const message = this.take(chunk, this.#challenge === undefined ? HELLO_BYTES : PROOF_BYTES);
    if (message === undefined) return { outcome: 'more' };
    if (this.kept.length > 0) return { outcome: badMessage('more bytes than the handshake has') };
    const challenge = this.#challenge;
    const secret = this.#secret;
    return challenge === undefined || secret === undefined
      ? this.#answer(message)
      : judge(message, secret, challenge);
  }

  #answer(hello: Buffer): Step {
    if (!startsWithMagic(hello)) return { outcome: badMessage('no handshake of a permanent connection') };
    const theirs = hello.readUInt32LE(VERSION_AT);
    const answer = Buffer.alloc(ANSWER_BYTES);
    MAGIC.copy(answer);
    answer.writeUInt32LE(this.#version, VERSION_AT);
    if (theirs !== this.#version) {
      answer.writeUInt32LE(STATUS.version, STATUS_AT);
      return { send: answer, outcome: versionMismatch(theirs, this.#version) };
    }
    if (this.#secret === undefined) {
      answer.writeUInt32LE(STATUS.noSecret, STATUS_AT);
      return { send: answer, outcome: new MirrorflowError('REFUSED', 'this host has no shared secret') };
    }
    const challenge = {
      channel: CHANNEL,
      callerNonce: Buffer.from(hello.subarray(HELLO_NONCE_AT)),
      listenerNonce: newNonce(),
      bound: boundVersions(theirs, this.#version),
    };
    this.#challenge = challenge;
    answer.set(challenge.listenerNonce, ANSWER_NONCE_AT);
    answer.set(prove(this.#secret, 'listener', challenge), ANSWER_PROOF_AT);
    return { send: answer, outcome: 'more' };
  }
}

function judge(proof: Buffer, secret: Secret, challenge: Challenge): Step {
  const verdict = Buffer.alloc(VERDICT_BYTES);
  if (isProof(proof, secret, 'caller', challenge)) return { send: verdict, outcome: 'proven' };
  verdict.writeUInt32LE(STATUS.proof);
  return { send: verdict, outcome: new MirrorflowError('REFUSED', 'it does not know the shared secret') };
}

export class ControlCaller extends Collector implements Handshake {
  readonly first: Buffer;
  readonly #secret: Secret;
  readonly #version: number;
  readonly #nonce = newNonce();
  #answered = false;

  constructor(secret: Secret, version: number) {
    super();
    this.#secret = secret;
    this.#version = version;
    this.first = Buffer.alloc(HELLO_BYTES);
    MAGIC.copy(this.first);
    this.first.writeUInt32LE(version, VERSION_AT);
    this.first.set(this.#nonce, HELLO_NONCE_AT);
  }

  push(chunk: Uint8Array): Step {
    const message = this.take(chunk, this.#answered ? VERDICT_BYTES : ANSWER_BYTES);
    if (message === undefined) {
      const foreign = !this.#answered && !startsWithMagic(this.kept.subarray(0, MAGIC.length));
      return { outcome: foreign ? badMessage('no answer of a mirrorflow server') : 'more' };
    }
    if (this.#answered) return this.#end(message);
    if (this.kept.length > 0) return { outcome: badMessage('more bytes than the handshake has') };
    this.#answered = true;
    return this.#prove(message);
  }

  #prove(answer: Buffer): Step {
    if (!startsWithMagic(answer)) return { outcome: badMessage('no answer of a mirrorflow server') };
    const theirs = answer.readUInt32LE(VERSION_AT);
    if (theirs !== this.#version) return { outcome: versionMismatch(theirs, this.#version) };
    if (answer.readUInt32LE(STATUS_AT) === STATUS.noSecret) {
      return { outcome: new MirrorflowError('REFUSED', 'it has no shared secret; give it --secret-file') };
    }
    const challenge = {
      channel: CHANNEL,
      callerNonce: this.#nonce,
      listenerNonce: Buffer.from(answer.subarray(ANSWER_NONCE_AT, ANSWER_PROOF_AT)),
      bound: boundVersions(this.#version, theirs),
    };
    const proven = isProof(answer.subarray(ANSWER_PROOF_AT), this.#secret, 'listener', challenge);
    if (answer.readUInt32LE(STATUS_AT) !== STATUS.goOn || !proven) {
      return { outcome: new MirrorflowError('REFUSED', 'it does not know the shared secret') };
    }
    return { send: prove(this.#secret, 'caller', challenge), outcome: 'more' };
  }

  #end(verdict: Buffer): Step {
    if (verdict.readUInt32LE(0) === STATUS.goOn) return { outcome: 'proven', rest: this.kept };
    return {
      outcome: new MirrorflowError('REFUSED', 'it refuses the proof: the shared secret there is another'),
    };
  }
}

function startsWithMagic(bytes: Buffer): boolean {
  return bytes.equals(MAGIC.subarray(0, bytes.length)) || bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

function boundVersions(caller: number, listener: number): Buffer {
  const bound = Buffer.alloc(8);
  bound.writeUInt32LE(caller, 0);
  bound.writeUInt32LE(listener, 4);
  return bound;
}

function badMessage(what: string): MirrorflowError {
  return new MirrorflowError('BAD_MESSAGE', `what arrived is ${what}`);
}

function versionMismatch(found: number, known: number): MirrorflowError {
  return new MirrorflowError(
    'VERSION_MISMATCH',
    `it speaks protocol version ${found}, this host version ${known}; install the same mirrorflow on both`,
    { found, known },
  );
}
