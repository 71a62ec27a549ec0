/**
 * Both sides of the handshake between duplicators: bytes in, bytes to send and what is known now
 * out. Pure but for the nonces.
 *
 *   R → S  HELLO       what it wants
 * S → R CHALLENGE S proves itself first: a stranger that listens in its place learns nothing and is
 * believed nothing
 *   R → S  PROOF       R proves itself; only then does S look whether there is such a flow
 *   S → R  WELCOME or REFUSED
 *
 * | listener  | event                       | next                          |
 * | --------- | --------------------------- | ----------------------------- |
 * | hello     | HELLO                       | proof, sends CHALLENGE        |
 * | proof     | PROOF that is right         | proved: the caller of this class answers |
 * | any       | anything else               | failed, sends REFUSED         |
 *
 * | caller    | event                       | next                          |
 * | --------- | --------------------------- | ----------------------------- |
 * | challenge | CHALLENGE that is right     | welcome, sends PROOF          |
 * | welcome   | WELCOME                     | welcomed                      |
 * | any       | REFUSED, anything else      | failed                        |
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
 * `more`: send `send` if there is any and go on. `proved`: it may be answered. `failed`: send what
 * is there and close.
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
    return hello === undefined ? this.#greeted(message.body) : this.#judge(hello, message.body);
  }

  #greeted(body: Buffer): ListenerStep {
    if (body.length < NONCE_BYTES) return failed('BAD_MESSAGE', 'HELLO has no nonce');
    this.#hello = Buffer.from(body);
    const proof = prove(this.#secret, 'listener', this.#challenge(body));
    // Nothing can stand behind HELLO yet: PROOF answers the nonce that goes out here.
    if (this.#reader.rest.length > 0) return failed('BAD_MESSAGE', 'more than HELLO came at once');
    const send = encodeHandshake(HandshakeKind.CHALLENGE, Buffer.concat([this.#nonce, proof]));
    return { kind: 'more', send };
  }

  #judge(hello: Buffer, proof: Buffer): ListenerStep {
    if (!isProof(proof, this.#secret, 'caller', this.#challenge(hello)))
      return failed('REFUSED', 'the secret is not the one of this host');
    const wanted = decodeHello(hello);
    if (typeof wanted === 'string') return failed('BAD_MESSAGE', wanted);
    return { kind: 'proved', hello: wanted, rest: this.#reader.rest };
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
  #proved = false;

  constructor(secret: Secret, hello: WireHello) {
    this.#secret = secret;
    this.#body = encodeHello(newNonce(), hello);
  }

  /** The first message. */
  hello(): Buffer {
    return encodeHandshake(HandshakeKind.HELLO, this.#body);
  }

  push(chunk: Buffer): CallerStep {
    const expected = this.#proved ? HandshakeKind.WELCOME : HandshakeKind.CHALLENGE;
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
    return kind === HandshakeKind.CHALLENGE ? this.#challenged(body) : this.#welcomed(body);
  }

  #challenged(body: Buffer): CallerStep {
    const challenge = {
      channel: CHANNEL,
      callerNonce: this.#body.subarray(0, NONCE_BYTES),
      listenerNonce: body.subarray(0, NONCE_BYTES),
      bound: this.#body,
    };
    const right = body.length === NONCE_BYTES + PROOF_BYTES;
    if (!right || !isProof(body.subarray(NONCE_BYTES), this.#secret, 'listener', challenge)) {
      const message = 'the other duplicator does not know the secret of this host';
      return { kind: 'failed', error: new MirrorflowError('REFUSED', message) };
    }
    this.#proved = true;
    const proof = prove(this.#secret, 'caller', challenge);
    return { kind: 'more', send: encodeHandshake(HandshakeKind.PROOF, proof) };
  }

  #welcomed(body: Buffer): CallerStep {
    const welcome = decodeWelcome(body);
    if (typeof welcome === 'string') {
      const message = `the other duplicator answered with a WELCOME that cannot be understood: ${welcome}`;
      return { kind: 'failed', error: new MirrorflowError('SOURCE_PROTOCOL', message) };
    }
    return { kind: 'welcomed', welcome, rest: this.#reader.rest };
  }
}

function failed(code: 'BAD_MESSAGE' | 'VERSION_MISMATCH' | 'REFUSED', message: string): ListenerStep {
  const text = code === 'VERSION_MISMATCH' ? `${message}: both hosts need version ${WIRE_VERSION}` : message;
  return { kind: 'failed', send: encodeRefusal(code, text), error: new MirrorflowError(code, text) };
}
