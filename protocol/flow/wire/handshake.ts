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
 * | S    | WELCOME or REFUSED | answer                                                               |
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
import { NONCE_BYTES, PROOF_BYTES, isProof, newNonce, prove } from '../../rpc/security/proof.js';
import type { Secret } from '../../rpc/security/secret.js';
import {
  HandshakeKind,
  HandshakeReader,
  WIRE_VERSION,
  decodeHello,
  decodeRefusal,
  decodeWelcome,
  encodeHandshake,
  encodeHello,
  encodeRefusal,
  type WireHello,
  type WireWelcome,
} from './handshake-messages.js';

const CHANNEL = 'data';

/**
 * `more`: send `send`, if any, and continue. `proved`: answer `hello` with WELCOME or REFUSED.
 * `failed`: send `send` and close. `rest`: received bytes behind the handshake.
 */
export type ListenerStep =
  | { readonly kind: 'more'; readonly send?: Buffer }
  | { readonly kind: 'proved'; readonly hello: WireHello; readonly rest: Buffer }
  | { readonly kind: 'failed'; readonly send: Buffer; readonly error: MirrorflowError };

export class ListenerHandshake {
  readonly #secret: Secret;
  readonly #reader = new HandshakeReader();
  readonly #nonce = newNonce();
  #hello: Buffer | undefined;

  constructor(secret: Secret) {
    this.#secret = secret;
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
    const proof = prove(this.#secret, 'listener', this.#challenge(body));
    // No byte can follow HELLO yet: PROOF answers the nonce that is sent here.
    if (this.#reader.rest.length > 0)
      return failed('BAD_MESSAGE', 'bytes follow HELLO before the challenge was sent');
    const send = encodeHandshake(HandshakeKind.CHALLENGE, Buffer.concat([this.#nonce, proof]));
    return { kind: 'more', send };
  }

  #onProof(hello: Buffer, proof: Buffer): ListenerStep {
    if (!isProof(proof, this.#secret, 'caller', this.#challenge(hello)))
      return failed('REFUSED', 'the secret is not the one of this host');
    const request = decodeHello(hello);
    if (typeof request === 'string') return failed('BAD_MESSAGE', request);
    return { kind: 'proved', hello: request, rest: this.#reader.rest };
  }

  #challenge(hello: Buffer) {
    const callerNonce = hello.subarray(0, NONCE_BYTES);
    return { channel: CHANNEL, callerNonce, listenerNonce: this.#nonce, bound: hello };
  }
}

export type CallerStep =
  | { readonly kind: 'more'; readonly send?: Buffer }
  | { readonly kind: 'welcomed'; readonly welcome: WireWelcome; readonly rest: Buffer }
  | { readonly kind: 'failed'; readonly error: MirrorflowError };

export class CallerHandshake {
  readonly #secret: Secret;
  readonly #reader = new HandshakeReader();
  readonly #body: Buffer;
  #hasProved = false;

  constructor(secret: Secret, hello: WireHello) {
    this.#secret = secret;
    this.#body = encodeHello(newNonce(), hello);
  }

  /** The first message, to be sent when the connection is open. */
  hello(): Buffer {
    return encodeHandshake(HandshakeKind.HELLO, this.#body);
  }

  push(chunk: Buffer): CallerStep {
    const expected = this.#hasProved ? HandshakeKind.WELCOME : HandshakeKind.CHALLENGE;
    const message = this.#reader.push(chunk, [expected, HandshakeKind.REFUSED]);
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

  #onChallenge(body: Buffer): CallerStep {
    const challenge = {
      channel: CHANNEL,
      callerNonce: this.#body.subarray(0, NONCE_BYTES),
      listenerNonce: body.subarray(0, NONCE_BYTES),
      bound: this.#body,
    };
    const isComplete = body.length === NONCE_BYTES + PROOF_BYTES;
    if (!isComplete || !isProof(body.subarray(NONCE_BYTES), this.#secret, 'listener', challenge)) {
      const message = 'the other duplicator does not have the secret of this host';
      return { kind: 'failed', error: new MirrorflowError('REFUSED', message) };
    }
    this.#hasProved = true;
    const proof = prove(this.#secret, 'caller', challenge);
    return { kind: 'more', send: encodeHandshake(HandshakeKind.PROOF, proof) };
  }

  #onWelcome(body: Buffer): CallerStep {
    const welcome = decodeWelcome(body);
    if (typeof welcome === 'string') {
      const message = `the other duplicator sent an invalid WELCOME: ${welcome}`;
      return { kind: 'failed', error: new MirrorflowError('SOURCE_PROTOCOL', message) };
    }
    return { kind: 'welcomed', welcome, rest: this.#reader.rest };
  }
}

function failed(code: 'BAD_MESSAGE' | 'VERSION_MISMATCH' | 'REFUSED', message: string): ListenerStep {
  const text =
    code === 'VERSION_MISMATCH' ? `${message}; install version ${WIRE_VERSION} on both hosts` : message;
  return { kind: 'failed', send: encodeRefusal(code, text), error: new MirrorflowError(code, text) };
}
