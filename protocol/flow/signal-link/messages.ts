/**
 * The 16-byte message of the signal link, and what its kinds mean. Little-endian; the layout is a
 * contract with programs in other languages.
 *
 *   byte 0         4         8                       16
 *        ┌─────────┬─────────┬───────────────────────┐
 *        │ kind    │ detail  │ value                 │
 *        │ u32     │ u32     │ u64, at most 2^53 - 1 │
 *        └─────────┴─────────┴───────────────────────┘
 *
 * Opening, C the client, D the duplicator:
 *
 *   C → D  HELLO      value = client id and process (below), detail = packed role, delivery, start and version (below)
 *   C → D  START      only after a HELLO with start = sequence: value = sequence,
 *                     detail = low 32 bits of the epoch it was counted in, 0 = whichever is current
 *   D → C  WELCOME    value = epoch, detail = packed role and delivery as granted
 *   D → C  BEGIN      value = first sequence the client gets (a provider: writes);
 *                     to a provider, detail = its generation, which goes into the flags of its slots
 *   D → C  REFUSED    instead of WELCOME, and then the connection closes: detail = number of protocol/base/errors.ts
 *                     as a two's complement 32-bit integer, value = 0
 *
 * Then each direction is one ever-growing count and a few states; of each only the newest matters:
 *
 *   D → consumer  PUBLISHED  value = you may read below this
 *   consumer → D  ACK        value = I need nothing below this; detail bit 0 = AWAKE: still reading, do not signal;
 *                            without it the consumer has drained what it saw and waits for PUBLISHED
 *   D → provider  CREDIT     value = you may write below this
 * provider → D PUBLISHED value = I have written below this; detail bit 0 = LAST: nothing comes
 * after it, I leave. A provider
 *                            that goes without it has died; bit 1 = UNANSWERED: I look at `heard` in the flow file, so no
 *                            CREDIT is needed for it unless I have published more by then, or wait for it
 *   D → C         STATUS     detail = state code of the flow's source,
 *                            value = generation of the provider that is there or was last; 0 where the duplicator fills the flow
 * D → consumer DELIVERY detail = delivery from now on (1 lossy: it held the writer back for the
 * stall timeout),
 *                            value = its last acknowledgement
 *   provider → D  STALL      value = milliseconds after which a lossless consumer that holds the writer back becomes lossy; 0 = never
 *   either        PAUSE      the sender asks for no PUBLISHED until RESUME; counts and credit stay valid
 *   either        RESUME     value of both = the sender's newest count, for logs
 *
 * Only datagram links, which have no connection of the kernel's, use:
 *
 *   either        ALIVE      nothing but a check that the other side's socket is there
 *   either        BYE        this side closes
 */
import assert from 'node:assert/strict';

import { ERROR_CODES, codeOfFault, type ErrorCode } from '../../base/errors.js';

export const MESSAGE_BYTES = 16;

/** ACK's detail of a consumer that goes on reading by itself. */
export const AWAKE = 1;

/** PUBLISHED's detail of a provider that leaves. */
export const LAST = 1;

/**
 * PUBLISHED's detail of a provider that sees in the flow file that it was heard: an answer would
 * only wake it up.
 */
export const UNANSWERED = 2;

/** Bumped when a message changes its meaning; HELLO carries it. */
export const LINK_VERSION = 1;

export const MessageKind = {
  HELLO: 1,
  START: 2,
  WELCOME: 3,
  BEGIN: 4,
  REFUSED: 5,
  PUBLISHED: 6,
  ACK: 7,
  CREDIT: 8,
  STATUS: 9,
  PAUSE: 10,
  RESUME: 11,
  DELIVERY: 12,
  STALL: 13,
  ALIVE: 14,
  BYE: 15,
} as const;

export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Kinds are 1 to this, without gaps. */
export const LAST_KIND: number = MessageKind.BYE;
/** Kinds from here on never leave a link implementation. */
export const FIRST_INTERNAL_KIND: number = MessageKind.ALIVE;

const LARGEST_DETAIL = 0xffff_ffff;
const TWO_TO_32 = 2 ** 32;

assert.equal(LAST_KIND, Object.keys(MessageKind).length);
assert(FIRST_INTERNAL_KIND > MessageKind.STALL);

/**
 * A RangeError unless `value` is an integer from 0 to 2^53 - 1 and `detail` one from 0 to 2^32 - 1.
 */
export function checkMessage(value: number, detail: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${value} is no count from 0 to 2^53 - 1`);
  if (!Number.isInteger(detail) || detail < 0 || detail > LARGEST_DETAIL) {
    throw new RangeError(`${detail} is no detail from 0 to 2^32 - 1`);
  }
}

/** Writes one message of MESSAGE_BYTES; a RangeError as from `checkMessage`. */
export function encodeMessage(
  target: Buffer,
  offset: number,
  kind: MessageKind,
  value: number,
  detail = 0,
): void {
  checkMessage(value, detail);
  target.writeUInt32LE(kind, offset);
  target.writeUInt32LE(detail, offset + 4);
  target.writeUInt32LE(value % TWO_TO_32, offset + 8);
  target.writeUInt32LE(Math.floor(value / TWO_TO_32), offset + 12);
}

/**
 * What a client is to a flow. An observer gets STATUS and is seen to live, but is sent no counts:
 * it only reads a mirror's image.
 */
const ROLES = ['consumer', 'provider', 'observer'] as const;
export type LinkRole = (typeof ROLES)[number];

const DELIVERIES = ['lossless', 'lossy'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/**
 * Where a consumer begins: the oldest buffer still in the ring, the next one to come, or the
 * sequence of a START.
 */
const STARTS = ['oldest', 'latest', 'sequence'] as const;
export type LinkStart = (typeof STARTS)[number];

export interface Hello {
  readonly role: LinkRole;
  readonly delivery: Delivery;
  readonly start: LinkStart;
  readonly version: number;
}

/**
 * HELLO's detail:
 *
 *   bit  0          8          16         24        32
 *        ┌──────────┬──────────┬──────────┬──────────┐
 *        │ role     │ delivery │ start    │ version  │
 *        └──────────┴──────────┴──────────┴──────────┘
 *
 * role 0 consumer, 1 provider, 2 observer; delivery 0 lossless, 1 lossy; start 0 oldest, 1 latest,
 * 2 sequence
 */
export function packHello(hello: Omit<Hello, 'version'>, version = LINK_VERSION): number {
  const low =
    ROLES.indexOf(hello.role) |
    (DELIVERIES.indexOf(hello.delivery) << 8) |
    (STARTS.indexOf(hello.start) << 16);
  return low + version * 2 ** 24;
}

/**
 * Undefined when one of the fields means nothing here. The version is for the caller to compare.
 */
export function unpackHello(detail: number): Hello | undefined {
  const role = ROLES[detail & 0xff];
  const delivery = DELIVERIES[(detail >>> 8) & 0xff];
  const start = STARTS[(detail >>> 16) & 0xff];
  if (role === undefined || delivery === undefined || start === undefined) return undefined;
  return { role, delivery, start, version: detail >>> 24 };
}

/** Client ids are below it. */
const CLIENT_IDS = 2 ** 31;
/** Process ids are below it. */
const PROCESS_IDS = 2 ** 22;

/**
 * HELLO's value: the client id plus 2^31 times the id of the client's process, 0 when it does not
 * say that. A duplicator that takes over from a killed one looks which of these processes live.
 */
export function packClient(client: number, pid: number): number {
  return client < CLIENT_IDS && pid < PROCESS_IDS ? client + pid * CLIENT_IDS : client;
}

export function unpackClient(value: number): { readonly client: number; readonly pid: number } {
  return { client: value % CLIENT_IDS, pid: Math.floor(value / CLIENT_IDS) };
}

/** REFUSED's detail for a code of the error table. */
export function packRefusal(code: ErrorCode): number {
  return ERROR_CODES[code] >>> 0;
}

/** The code of REFUSED's detail; APPLICATION_ERROR for a number from a newer version. */
export function unpackRefusal(detail: number): ErrorCode {
  return codeOfFault(detail | 0);
}

/** The name of a kind for logs. */
export function kindName(kind: number): string {
  return Object.entries(MessageKind).find(([, number]) => number === kind)?.[0] ?? `kind ${kind}`;
}
