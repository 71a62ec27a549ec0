/**
 * The handshake of permanent connections between host servers over TCP or TLS, in which both ends
 * prove the shared secret. Pure: takes received bytes and returns bytes to send and the outcome;
 * `control-socket.ts` runs it over a socket.
 *
 * ```  caller -> listener    HELLO     0x89 "MFC" | version u32 | nonce (32)
 * 40 bytes  listener -> caller    ANSWER    0x89 "MFC" | version u32 | status u32 | nonce (32) |
 * proof (32)         76 bytes  caller -> listener    PROOF     proof (32)
 * 32 bytes  listener -> caller    VERDICT   status u32
 * 4 bytes ``` Little-endian. Status 0 means accepted; any other status ends the connection. The
 * proofs are those of proof.ts for the channel `control`, bound to both versions and the transport.
 * Messages have the lengths above, and each end waits for the other's message before it sends the
 * next, so that an incomplete message occupies less than 100 bytes. Magic and version stand first
 * in every version, so that ends of different versions can name both. Without TLS the session
 * behind the handshake consists of records (records.ts).
 */
import { MirrorflowError } from '../../base/errors.js';
import {
  hintedKey,
  NONCE_BYTES,
  newCallerNonce,
  newNonce,
  PROOF_BYTES,
  provenKey,
  proveWith,
  type Challenge,
} from './proof.js';
import { protectionOf, type RecordProtection } from './records.js';
import type { Secret } from './secret.js';
import { boundTransport, PLAIN_TRANSPORT, type Transport } from './transport.js';

/**
 * Version of handshake and session between hosts; different versions refuse each other and name
 * both.
 */
export const CONTROL_VERSION = 2;

/** The first byte of a permanent connection over TCP; no HTTP request begins with it. */
export const CONTROL_FIRST_BYTE = 0x89;

const CHANNEL = 'control';
const MAGIC = Buffer.from([CONTROL_FIRST_BYTE, 0x4d, 0x46, 0x43]);
const VERSION_OFFSET = MAGIC.length;
/** Magic and version, which are the same in all versions. */
const PREAMBLE_BYTES = VERSION_OFFSET + 4;
const HELLO_NONCE_OFFSET = VERSION_OFFSET + 4;
const HELLO_BYTES = HELLO_NONCE_OFFSET + NONCE_BYTES;
const STATUS_OFFSET = VERSION_OFFSET + 4;
const ANSWER_NONCE_OFFSET = STATUS_OFFSET + 4;
const ANSWER_PROOF_OFFSET = ANSWER_NONCE_OFFSET + NONCE_BYTES;
const ANSWER_BYTES = ANSWER_PROOF_OFFSET + PROOF_BYTES;
const VERDICT_BYTES = 4;

const STATUS = { accepted: 0, version: 1, proof: 2, noSecret: 3 } as const;

/** The result of receiving some bytes. */
export interface Step {
  readonly send?: Buffer;
  /** `more`: wait for bytes. `proven`: completed. An error: send `send`, then close. */
  readonly outcome: 'more' | 'proven' | MirrorflowError;
  /** With `proven`: received bytes after the handshake, which belong to the session. */
  readonly rest?: Buffer;
  /** With `proven` and without TLS: the protection of the records of the session. */
  readonly protection?: RecordProtection | undefined;
}

/** One end of a handshake. */
export interface Handshake {
  /** Bytes to send before any are received. */
  readonly opening: Buffer | undefined;
  push(chunk: Uint8Array): Step;
}

/** Collects received bytes into messages of known length. */
abstract class MessageCollector {
  #buffered = Buffer.alloc(0);

  /**
   * Appends a chunk; returns the next message, or undefined while it is incomplete. Buffers at most
   * one message and one chunk.
   */
  protected nextMessage(chunk: Uint8Array, length: number): Buffer | undefined {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    if (this.#buffered.length < length) return undefined;
    const message = this.#buffered.subarray(0, length);
    this.#buffered = this.#buffered.subarray(length);
    return message;
  }

  /** The bytes after the last message. */
  protected get buffered(): Buffer {
    return this.#buffered;
  }
}

export class ControlListener extends MessageCollector implements Handshake {
  readonly opening = undefined;
  readonly #secret: Secret | undefined;
  readonly #transport: Transport;
  readonly #version: number;
  #challenge: Challenge | undefined;

  /** Without a secret it refuses every caller, with the reason. */
  constructor(secret: Secret | undefined, transport = PLAIN_TRANSPORT, version = CONTROL_VERSION) {
    super();
    this.#secret = secret;
    this.#transport = transport;
    this.#version = version;
  }

  push(chunk: Uint8Array): Step {
    const message = this.nextMessage(chunk, this.#challenge === undefined ? HELLO_BYTES : PROOF_BYTES);
    if (message === undefined) {
      const version = this.#challenge === undefined ? versionIn(this.buffered) : undefined;
      const isOther = version !== undefined && version !== this.#version;
      return isOther ? this.#refuseVersion(version) : { outcome: 'more' };
    }
    if (this.buffered.length > 0) return { outcome: badMessage('longer than a message of the handshake') };
    const challenge = this.#challenge;
    const secret = this.#secret;
    return challenge === undefined || secret === undefined
      ? this.#answer(message)
      : this.#verdictOn(message, secret, challenge);
  }

  #answer(hello: Buffer): Step {
    const callerVersion = versionIn(hello);
    if (callerVersion === undefined)
      return { outcome: badMessage('not a handshake of a permanent connection') };
    if (callerVersion !== this.#version) return this.#refuseVersion(callerVersion);
    const answer = this.#emptyAnswer();
    if (this.#secret === undefined) {
      answer.writeUInt32LE(STATUS.noSecret, STATUS_OFFSET);
      const outcome = refused('this host has no shared secret; start its host server with --secret-file');
      return { send: answer, outcome };
    }
    const callerNonce = Buffer.from(hello.subarray(HELLO_NONCE_OFFSET));
    const challenge = {
      channel: CHANNEL,
      callerNonce,
      listenerNonce: newNonce(),
      bound: boundParts(callerVersion, this.#version, this.#transport),
    };
    this.#challenge = challenge;
    answer.set(challenge.listenerNonce, ANSWER_NONCE_OFFSET);
    const key = hintedKey(callerNonce, this.#secret, CHANNEL) ?? this.#secret.key;
    answer.set(proveWith(key, 'listener', challenge), ANSWER_PROOF_OFFSET);
    return { send: answer, outcome: 'more' };
  }

  #refuseVersion(callerVersion: number): Step {
    const answer = this.#emptyAnswer();
    answer.writeUInt32LE(STATUS.version, STATUS_OFFSET);
    return { send: answer, outcome: versionMismatch(callerVersion, this.#version) };
  }

  #emptyAnswer(): Buffer {
    const answer = Buffer.alloc(ANSWER_BYTES);
    MAGIC.copy(answer);
    answer.writeUInt32LE(this.#version, VERSION_OFFSET);
    return answer;
  }

  #verdictOn(proof: Buffer, secret: Secret, challenge: Challenge): Step {
    const verdict = Buffer.alloc(VERDICT_BYTES);
    const key = provenKey(proof, secret, 'caller', challenge);
    if (key === undefined) {
      verdict.writeUInt32LE(STATUS.proof);
      return { send: verdict, outcome: refused('the other host does not have the shared secret') };
    }
    return {
      send: verdict,
      outcome: 'proven',
      protection: this.#transport.isTls ? undefined : protectionOf(key, challenge, 'listener'),
    };
  }
}

export class ControlCaller extends MessageCollector implements Handshake {
  readonly opening: Buffer;
  readonly #secret: Secret;
  readonly #transport: Transport;
  readonly #version: number;
  readonly #nonce: Buffer;
  #answered = false;
  #protection: RecordProtection | undefined;

  constructor(secret: Secret, transport = PLAIN_TRANSPORT, version = CONTROL_VERSION) {
    super();
    this.#secret = secret;
    this.#transport = transport;
    this.#version = version;
    this.#nonce = newCallerNonce(secret, CHANNEL);
    this.opening = Buffer.alloc(HELLO_BYTES);
    MAGIC.copy(this.opening);
    this.opening.writeUInt32LE(version, VERSION_OFFSET);
    this.opening.set(this.#nonce, HELLO_NONCE_OFFSET);
  }

  push(chunk: Uint8Array): Step {
    const message = this.nextMessage(chunk, this.#answered ? VERDICT_BYTES : ANSWER_BYTES);
    if (message === undefined) return this.#answered ? { outcome: 'more' } : this.#checkStart();
    if (this.#answered) return this.#complete(message);
    if (this.buffered.length > 0) return { outcome: badMessage('longer than a message of the handshake') };
    this.#answered = true;
    return this.#prove(message);
  }

  /** An answer of another version may have another length. */
  #checkStart(): Step {
    if (!startsWithMagic(this.buffered))
      return { outcome: badMessage('not an answer of a mirrorflow server') };
    const version = versionIn(this.buffered);
    const isOther = version !== undefined && version !== this.#version;
    return { outcome: isOther ? versionMismatch(version, this.#version) : 'more' };
  }

  #prove(answer: Buffer): Step {
    const listenerVersion = versionIn(answer);
    if (listenerVersion === undefined) return { outcome: badMessage('not an answer of a mirrorflow server') };
    if (listenerVersion !== this.#version)
      return { outcome: versionMismatch(listenerVersion, this.#version) };
    if (answer.readUInt32LE(STATUS_OFFSET) === STATUS.noSecret) {
      return {
        outcome: refused('the other host has no shared secret; start its host server with --secret-file'),
      };
    }
    const challenge = {
      channel: CHANNEL,
      callerNonce: this.#nonce,
      listenerNonce: Buffer.from(answer.subarray(ANSWER_NONCE_OFFSET, ANSWER_PROOF_OFFSET)),
      bound: boundParts(this.#version, listenerVersion, this.#transport),
    };
    const key = provenKey(answer.subarray(ANSWER_PROOF_OFFSET), this.#secret, 'listener', challenge);
    if (answer.readUInt32LE(STATUS_OFFSET) !== STATUS.accepted || key === undefined) {
      return {
        outcome: refused('the other host does not have the shared secret, or a program stands between'),
      };
    }
    this.#protection = this.#transport.isTls ? undefined : protectionOf(key, challenge, 'caller');
    return { send: proveWith(key, 'caller', challenge), outcome: 'more' };
  }

  #complete(verdict: Buffer): Step {
    if (verdict.readUInt32LE(0) === STATUS.accepted)
      return { outcome: 'proven', rest: this.buffered, protection: this.#protection };
    return { outcome: refused('the other host refused the proof: its shared secret is a different one') };
  }
}

/** The version in a message, as soon as it has arrived; undefined before, and for foreign bytes. */
function versionIn(bytes: Buffer): number | undefined {
  const isComplete = bytes.length >= PREAMBLE_BYTES && startsWithMagic(bytes);
  return isComplete ? bytes.readUInt32LE(VERSION_OFFSET) : undefined;
}

function startsWithMagic(bytes: Buffer): boolean {
  return bytes.equals(MAGIC.subarray(0, bytes.length)) || bytes.subarray(0, MAGIC.length).equals(MAGIC);
}

function boundParts(caller: number, listener: number, transport: Transport): readonly Uint8Array[] {
  const versions = Buffer.alloc(8);
  versions.writeUInt32LE(caller, 0);
  versions.writeUInt32LE(listener, 4);
  return [versions, ...boundTransport(transport)];
}

function badMessage(problem: string): MirrorflowError {
  return new MirrorflowError('BAD_MESSAGE', `the received bytes are ${problem}`);
}

function refused(reason: string): MirrorflowError {
  return new MirrorflowError('REFUSED', reason);
}

function versionMismatch(found: number, known: number): MirrorflowError {
  return new MirrorflowError(
    'VERSION_MISMATCH',
    `the other host uses protocol version ${found}, this host version ${known}; install the same mirrorflow on both`,
    { found, known },
  );
}
