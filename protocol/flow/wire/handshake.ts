/**
 * The handshake between the duplicators of two hosts: R, the receiver of a flow, connects
 * ("caller") to S, its sender ("listener"). Both prove that they have the same secret. Used by the
 * remote parts of duplicators. Without I/O: received bytes in; bytes to send and the result out.
 *
 * | from | message            | purpose                                                              |
 * | ---- | ------------------ | -------------------------------------------------------------------- |
 * | R    | HELLO              | R's request                                                          |
 * | S    | CHALLENGE          | S's proof, first, so that R trusts no unknown process in S's place   |
 * | R    | PROOF              | R's proof; only then S checks whether the flow exists                |
 * | S    | WELCOME or REFUSED | answer; without TLS in a record, so that no other program can send it |
 *
 * | state of S | event               | next                                        |
 * | ---------- | ------------------- | ------------------------------------------- |
 * | hello      | HELLO               | proof; sends CHALLENGE                      |
 * | proof      | correct PROOF       | proved; the user of this class answers      |
 * | any        | any other           | failed; sends REFUSED                       |
 *
 * | state of R | event               | next                                        |
 * | ---------- | ------------------- | ------------------------------------------- |
 * | challenge  | correct CHALLENGE   | welcome; sends PROOF                        |
 * | welcome    | WELCOME             | welcomed                                    |
 * | any        | any other           | failed                                      |
 */
import { MirrorflowError } from '../../base/errors.js';
import {
  NONCE_BYTES,
  PROOF_BYTES,
  hintedKey,
  newCallerNonce,
  newNonce,
  proveWith,
  provenKey,
} from '../../rpc/security/proof.js';
import { RecordReader } from '../../rpc/security/record-reader.js';
import { protectionOf, type RecordProtection } from '../../rpc/security/records.js';
import type { Secret } from '../../rpc/security/secret.js';
import { boundTransport, type Transport } from '../../rpc/security/transport.js';
import {
  ANSWER_BYTES_MAX,
  WIRE_MAGIC,
  HandshakeKind,
  HandshakeReader,
  WIRE_VERSION,
  decodeHello,
  decodeRefusal,
  decodeWelcome,
  encodeHandshake,
  encodeHello,
  encodeRefusal,
  startsLikeMessage,
  type HandshakeMessage,
  type HandshakeProblem,
  type WireHello,
  type WireWelcome,
} from './handshake-messages.js';

const CHANNEL = 'data';

/**
 * `more`: send `send`, if any, and continue. `proved`: answer `hello` with WELCOME or REFUSED, with
 * `protection` in its first record. `failed`: send `send` and close. `rest`: received bytes behind
 * the handshake.
 */
export type ListenerStep =
  | { readonly kind: 'more'; readonly send?: Buffer }
  | {
      readonly kind: 'proved';
      readonly hello: WireHello;
      readonly rest: Buffer;
      /** Undefined over TLS. */
      readonly protection: RecordProtection | undefined;
    }
  | { readonly kind: 'failed'; readonly send: Buffer; readonly error: MirrorflowError };

export class ListenerHandshake {
  readonly #secret: Secret;
  readonly #transport: () => Transport;
  readonly #reader = new HandshakeReader();
  readonly #nonce = newNonce();
  #hello: Buffer | undefined;

  /** `transport` is asked for when HELLO has arrived: a TLS handshake is complete then. */
  constructor(secret: Secret, transport: () => Transport) {
    this.#secret = secret;
    this.#transport = transport;
  }

  push(chunk: Buffer): ListenerStep {
    const hello = this.#hello;
    const expected = hello === undefined ? HandshakeKind.HELLO : HandshakeKind.PROOF;
    const message = this.#reader.push(chunk, [expected]);
    if (message === undefined) return { kind: 'more' };
    if ('problem' in message) {
      return failed(message.version === undefined ? 'BAD_MESSAGE' : 'VERSION_MISMATCH', message.problem);
    }
    return hello === undefined ? this.#onHello(message.body) : this.#onProof(hello, message.body);
  }

  #onHello(body: Buffer): ListenerStep {
    if (body.length < NONCE_BYTES) return failed('BAD_MESSAGE', 'HELLO has no nonce');
    this.#hello = Buffer.from(body);
    const key = hintedKey(body.subarray(0, NONCE_BYTES), this.#secret, CHANNEL) ?? this.#secret.key;
    const proof = proveWith(key, 'listener', this.#challenge(body));
    // No byte can follow HELLO yet: PROOF answers the nonce that is sent here.
    if (this.#reader.rest.length > 0)
      return failed('BAD_MESSAGE', 'bytes follow HELLO before the challenge was sent');
    const send = encodeHandshake(HandshakeKind.CHALLENGE, Buffer.concat([this.#nonce, proof]));
    return { kind: 'more', send };
  }

  #onProof(hello: Buffer, proof: Buffer): ListenerStep {
    const challenge = this.#challenge(hello);
    const key = provenKey(proof, this.#secret, 'caller', challenge);
    if (key === undefined) return failed('REFUSED', 'the secret is not the one of this host');
    const request = decodeHello(hello);
    if (typeof request === 'string') return failed('BAD_MESSAGE', request);
    const protection = this.#transport().isTls ? undefined : protectionOf(key, challenge, 'listener');
    return { kind: 'proved', hello: request, rest: this.#reader.rest, protection };
  }

  #challenge(hello: Buffer) {
    const callerNonce = hello.subarray(0, NONCE_BYTES);
    const bound = [hello, ...boundTransport(this.#transport())];
    return { channel: CHANNEL, callerNonce, listenerNonce: this.#nonce, bound };
  }
}

export type CallerStep =
  | { readonly kind: 'more'; readonly send?: Buffer }
  | {
      readonly kind: 'welcomed';
      readonly welcome: WireWelcome;
      readonly rest: Buffer;
      /**
       * Protection of all frames; undefined over TLS, and where both sides have `integrity` off.
       */
      readonly protection: RecordProtection | undefined;
    }
  | { readonly kind: 'failed'; readonly error: MirrorflowError };

export class CallerHandshake {
  readonly #secret: Secret;
  readonly #transport: Transport;
  readonly #reader = new HandshakeReader();
  readonly #body: Buffer;
  readonly #wantsIntegrity: boolean;
  #hasProved = false;
  #protection: RecordProtection | undefined;
  /** Reads the record of S's answer. */
  #records: RecordReader | undefined;

  constructor(secret: Secret, hello: WireHello, transport: Transport) {
    this.#secret = secret;
    this.#transport = transport;
    this.#wantsIntegrity = hello.integrity === 'on';
    this.#body = encodeHello(newCallerNonce(secret, CHANNEL), hello);
  }

  /** The first message, to be sent when the connection is open. */
  hello(): Buffer {
    return encodeHandshake(HandshakeKind.HELLO, this.#body);
  }

  push(chunk: Buffer): CallerStep {
    const message = this.#next(chunk);
    if (message === undefined) return { kind: 'more' };
    if ('problem' in message) {
      const code = message.version === undefined ? 'SOURCE_PROTOCOL' : 'VERSION_MISMATCH';
      return { kind: 'failed', error: new MirrorflowError(code, `the other duplicator: ${message.problem}`) };
    }
    const { kind, body } = message;
    if (kind === HandshakeKind.REFUSED) {
      const { code, message: why } = decodeRefusal(body);
      return { kind: 'failed', error: new MirrorflowError(code, `the other duplicator refused: ${why}`) };
    }
    return kind === HandshakeKind.CHALLENGE ? this.#onChallenge(body) : this.#onWelcome(body);
  }

  #next(chunk: Buffer): HandshakeMessage | HandshakeProblem | undefined {
    const records = this.#records;
    if (!this.#hasProved || records === undefined) {
      const expected = this.#hasProved ? HandshakeKind.WELCOME : HandshakeKind.CHALLENGE;
      return this.#reader.push(chunk, [expected, HandshakeKind.REFUSED]);
    }
    records.push(chunk);
    if (records.rest.length < WIRE_MAGIC.length) return undefined;
    // S cannot seal its answer to a proof of another secret: it has other keys.
    if (startsLikeMessage(records.rest))
      return new HandshakeReader().push(records.rest, [HandshakeKind.REFUSED]);
    const content = records.next();
    if (content !== undefined) {
      const answer = [HandshakeKind.WELCOME, HandshakeKind.REFUSED] as const;
      return new HandshakeReader().push(content, answer) ?? { problem: 'its answer is not a whole message' };
    }
    return records.problem === undefined ? undefined : { problem: records.problem };
  }

  #onChallenge(body: Buffer): CallerStep {
    const challenge = {
      channel: CHANNEL,
      callerNonce: this.#body.subarray(0, NONCE_BYTES),
      listenerNonce: Buffer.from(body.subarray(0, NONCE_BYTES)),
      bound: [this.#body, ...boundTransport(this.#transport)],
    };
    const isComplete = body.length === NONCE_BYTES + PROOF_BYTES;
    const key = isComplete
      ? provenKey(body.subarray(NONCE_BYTES), this.#secret, 'listener', challenge)
      : undefined;
    if (key === undefined) {
      const message =
        'the other duplicator does not have the secret of this host, or a program stands between';
      return { kind: 'failed', error: new MirrorflowError('REFUSED', message) };
    }
    this.#hasProved = true;
    if (!this.#transport.isTls) {
      this.#protection = protectionOf(key, challenge, 'caller');
      this.#records = new RecordReader(this.#protection.verifier, ANSWER_BYTES_MAX);
    }
    const proof = proveWith(key, 'caller', challenge);
    return { kind: 'more', send: encodeHandshake(HandshakeKind.PROOF, proof) };
  }

  #onWelcome(body: Buffer): CallerStep {
    const welcome = decodeWelcome(body);
    if (typeof welcome === 'string') {
      const message = `the other duplicator sent an invalid WELCOME: ${welcome}`;
      return { kind: 'failed', error: new MirrorflowError('SOURCE_PROTOCOL', message) };
    }
    if (welcome.integrity === 'off' && this.#wantsIntegrity) {
      const message = 'the other duplicator leaves off the integrity that this host demands';
      return { kind: 'failed', error: new MirrorflowError('SOURCE_PROTOCOL', message) };
    }
    const rest = Buffer.from(this.#records?.rest ?? this.#reader.rest);
    const protection = welcome.integrity === 'off' ? undefined : this.#protection;
    return { kind: 'welcomed', welcome, rest, protection };
  }
}

function failed(code: 'BAD_MESSAGE' | 'VERSION_MISMATCH' | 'REFUSED', message: string): ListenerStep {
  const text =
    code === 'VERSION_MISMATCH' ? `${message}; install version ${WIRE_VERSION} on both hosts` : message;
  return { kind: 'failed', send: encodeRefusal(code, text), error: new MirrorflowError(code, text) };
}
