/**
 * The messages that open a connection between the duplicators of two hosts: their layout and valid
 * contents. Used by handshake.ts and by duplicators. Pure. docs/wire.md describes the same for
 * programs in other languages.
 *
 * R is the receiver of the flow, which connects; S the sender, which listens. Little-endian;
 * positions are bytes.
 *
 * ```
 *    0 ┌────────────────────────────┬─────────────┬──────────┬────────────┐
 *      │ magic "MIRRWIRE"           │ version u16 │ kind u16 │ length u32 │
 *   16 ├────────────────────────────┴─────────────┴──────────┴────────────┤
 *      │ body, `length` bytes                                             │
 *      └──────────────────────────────────────────────────────────────────┘
 * ```
 *
 * | kind      | from | body                                                            |
 * | --------- | ---- | --------------------------------------------------------------- |
 * | HELLO     | R    | nonce of 32 bytes, then R's request, as JSON                    |
 * | CHALLENGE | S    | nonce of 32 bytes, then S's proof of 32 bytes                   |
 * | PROOF     | R    | R's proof of 32 bytes                                           |
 * | WELCOME   | S    | the flow's properties and first sequence, as JSON               |
 * | REFUSED   | S    | u32 number of base/errors.ts (two's complement), then a text    |
 *
 * After WELCOME, both sides send frames (frame.ts). Proofs are those of rpc/security/proof.ts for
 * the channel `data`, bound to the whole body of HELLO and the transport. Without TLS, WELCOME and
 * a refusal after R's proof are the content of S's first record (rpc/security/records.ts), and so
 * are all frames that follow unless both sides have `integrity` off.
 */
import { SOURCE_STATE_NAMES } from '../../rpc/contract/shapes.js';
import { ERROR_CODES, codeOfFault, describeError, type ErrorCode } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import {
  boolean,
  double,
  int,
  name,
  oneOf,
  optional,
  string,
  struct,
  type Schema,
  type TypeOf,
} from '../../rpc/xml-rpc/schema.js';
import { NONCE_BYTES, PROOF_BYTES } from '../../rpc/security/proof.js';

export const WIRE_MAGIC = 'MIRRWIRE';
/** Incremented when the layout changes; different versions refuse each other and name both. */
export const WIRE_VERSION = 2;
export const HANDSHAKE_HEADER_BYTES = 16;

export const HandshakeKind = { HELLO: 1, CHALLENGE: 2, PROOF: 3, WELCOME: 4, REFUSED: 5 } as const;
export type HandshakeKind = (typeof HandshakeKind)[keyof typeof HandshakeKind];

const AT = { magic: 0, version: 8, kind: 10, length: 12 } as const;
const HELLO_JSON_BYTES = 2_048;
/** Longest text of a refusal, characters. */
const REFUSAL_CHARACTERS = 512;

/** Longest body of each kind, bytes. */
const BODY_BYTES: Readonly<Record<HandshakeKind, number>> = {
  [HandshakeKind.HELLO]: NONCE_BYTES + HELLO_JSON_BYTES,
  [HandshakeKind.CHALLENGE]: NONCE_BYTES + PROOF_BYTES,
  [HandshakeKind.PROOF]: PROOF_BYTES,
  [HandshakeKind.WELCOME]: 2 * LIMITS.identityBytes + 1_024,
  [HandshakeKind.REFUSED]: 4 + 4 * REFUSAL_CHARACTERS,
};

const count = int({ min: 0 });
const INTEGRITY = ['on', 'off'] as const;
export type Integrity = (typeof INTEGRITY)[number];

/** The receiver's request. */
const helloSchema = struct({
  application: name('application'),
  flow: name('flow'),
  /** Identifies the duplicator process, on all its connections. */
  id: string({ pattern: /^[0-9a-f]{32}$/ }),
  delivery: oneOf(['lossless', 'lossy']),
  /** Whether the sender adds a checksum to every payload. */
  crc: boolean(),
  /** `off`: without TLS, R wants frames without a MAC; they have none when S wants the same. */
  integrity: oneOf(INTEGRITY),
  /** Where the receiver resumes: it has all sequences below `sequence` of `epoch`. */
  resume: optional(struct({ epoch: count, sequence: count })),
});
export type WireHello = TypeOf<typeof helloSchema>;

/** The flow as the sender has it. */
const welcomeSchema = struct({
  epoch: count,
  /** The first sequence that S can send; sequences between the resume point and it are lost. */
  first: count,
  delivery: oneOf(['lossless', 'lossy']),
  /** As S decided for both directions: `off` only when both sides want it. */
  integrity: oneOf(INTEGRITY),
  type: string({ maxCharacters: LIMITS.nameCharacters }),
  /** JSON. */
  properties: string({ maxCharacters: LIMITS.identityBytes }),
  buffers: int({ min: LIMITS.slotCountMin, max: LIMITS.slotCountMax }),
  bufferSize: int({ min: 1, max: LIMITS.mappedBytesMax }),
  /** Whether the flow is a mirror: S then sends BLOCKS and PUBLICATION instead of BUFFER. */
  mirror: boolean(),
  state: oneOf(SOURCE_STATE_NAMES),
  sinceNs: double({ min: 0, max: Number.MAX_VALUE }),
  generation: int({ min: 0, max: 0xffff }),
});
export type WireWelcome = TypeOf<typeof welcomeSchema>;

export interface HandshakeMessage {
  readonly kind: HandshakeKind;
  readonly body: Buffer;
}

/** The defect of a message; `version`: of the peer, when it differs from WIRE_VERSION. */
export interface HandshakeProblem {
  readonly problem: string;
  readonly version?: number;
}

export function encodeHandshake(kind: HandshakeKind, body: Uint8Array, version = WIRE_VERSION): Buffer {
  const head = Buffer.alloc(HANDSHAKE_HEADER_BYTES);
  head.write(WIRE_MAGIC, AT.magic, 'latin1');
  head.writeUInt16LE(version, AT.version);
  head.writeUInt16LE(kind, AT.kind);
  head.writeUInt32LE(body.length, AT.length);
  return Buffer.concat([head, body]);
}

export function encodeHello(nonce: Uint8Array, hello: WireHello): Buffer {
  return Buffer.concat([nonce, Buffer.from(JSON.stringify(hello))]);
}

export function encodeWelcome(welcome: WireWelcome): Buffer {
  return encodeHandshake(HandshakeKind.WELCOME, Buffer.from(JSON.stringify(welcome)));
}

export function encodeRefusal(code: ErrorCode, message: string): Buffer {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(ERROR_CODES[code] >>> 0);
  const text = Buffer.from(message.slice(0, REFUSAL_CHARACTERS));
  return encodeHandshake(HandshakeKind.REFUSED, Buffer.concat([number, text]));
}

export function decodeRefusal(body: Buffer): { readonly code: ErrorCode; readonly message: string } {
  if (body.length < 4) return { code: 'APPLICATION_ERROR', message: 'no reason was given' };
  return { code: codeOfFault(body.readInt32LE(0)), message: body.toString('utf8', 4) };
}

/** Returns the defect of an invalid body as a text. */
export function decodeHello(body: Buffer): WireHello | string {
  return decodeJson(helloSchema, body.subarray(NONCE_BYTES), 'HELLO');
}

/** Returns the defect of an invalid body as a text. */
export function decodeWelcome(body: Buffer): WireWelcome | string {
  return decodeJson(welcomeSchema, body, 'WELCOME');
}

function decodeJson<T>(schema: Schema<T>, body: Buffer, method: string): T | string {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return schema.check(value, { method, root: 'body', path: [], unknownMembers: 'drop' });
  } catch (thrown) {
    return describeError(thrown);
  }
}

/** Longest content of the record of S's answer. */
export const ANSWER_BYTES_MAX =
  HANDSHAKE_HEADER_BYTES + Math.max(BODY_BYTES[HandshakeKind.WELCOME], BODY_BYTES[HandshakeKind.REFUSED]);

/** Whether bytes may begin a message in the clear; a record of an answer never begins so. */
export function startsLikeMessage(bytes: Buffer): boolean {
  return WIRE_MAGIC.startsWith(bytes.toString('latin1', 0, Math.min(bytes.length, WIRE_MAGIC.length)));
}

/**
 * Collects the next message from bytes that arrive in pieces; bytes behind it stay in `rest`. The
 * memory that it needs is limited by BODY_BYTES.
 */
export class HandshakeReader {
  #collected: Buffer = Buffer.alloc(0);

  /** Received bytes behind the last message. */
  get rest(): Buffer {
    return this.#collected;
  }

  /** The next message, of an `expected` kind; undefined while it is incomplete; or its defect. */
  push(chunk: Buffer, expected: readonly HandshakeKind[]): HandshakeMessage | HandshakeProblem | undefined {
    this.#collected = this.#collected.length === 0 ? chunk : Buffer.concat([this.#collected, chunk]);
    const bytes = this.#collected;
    if (!startsLikeMessage(bytes)) return { problem: `it does not begin with ${WIRE_MAGIC}` };
    if (bytes.length < HANDSHAKE_HEADER_BYTES) return undefined;
    const version = bytes.readUInt16LE(AT.version);
    if (version !== WIRE_VERSION)
      return {
        problem: `it uses wire version ${version}; this duplicator uses version ${WIRE_VERSION}`,
        version,
      };
    const kind = expected.find((one) => one === bytes.readUInt16LE(AT.kind));
    const length = bytes.readUInt32LE(AT.length);
    if (kind === undefined) return { problem: `message ${bytes.readUInt16LE(AT.kind)} is not expected here` };
    if (length > BODY_BYTES[kind])
      return { problem: `message ${kind} claims ${length} bytes; at most ${BODY_BYTES[kind]} are allowed` };
    if (bytes.length < HANDSHAKE_HEADER_BYTES + length) return undefined;
    this.#collected = bytes.subarray(HANDSHAKE_HEADER_BYTES + length);
    return { kind, body: bytes.subarray(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + length) };
  }
}
