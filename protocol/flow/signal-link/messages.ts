/**
 * The 16-byte messages of the signal link, the local connection between a duplicator and each
 * client of its flow: layout, kinds and their meaning. Used by both link implementations,
 * duplicators and the client library; docs/signal-link.md describes the same for programs in other
 * languages. Pure.
 *
 * Little-endian:
 *
 *   byte 0         4         8                       16
 *        ┌─────────┬─────────┬───────────────────────┐
 *        │ kind    │ detail  │ value                 │
 *        │ u32     │ u32     │ u64, at most 2^53 - 1 │
 *        └─────────┴─────────┴───────────────────────┘
 *
 * Opening, between the client C and the duplicator D:
 *
 * | from | kind    | value                            | detail                                                  |
 * | ---- | ------- | -------------------------------- | ------------------------------------------------------- |
 * | C    | HELLO   | client id and process (below)    | packed role, delivery, start and version (below)        |
 * | C    | START   | sequence to start at             | low 32 bits of the sequence's epoch, 0: the current one |
 * | D    | WELCOME | epoch                            | packed role and delivery as granted                     |
 * | D    | BEGIN   | first sequence to read or write  | to a provider: its generation, for the flags of slots   |
 * | D    | REFUSED | 0                                | error number (base/errors.ts), two's complement         |
 *
 * START follows only a HELLO with start = sequence. A provider that reattaches sends its generation
 * as START's value, and keeps it when no other provider came since. REFUSED replaces WELCOME; then
 * D closes.
 *
 * Afterwards each direction carries one ever-growing count and a few states; only the newest of
 * each kind matters:
 *
 * | from     | kind      | value                                        | detail                                    |
 * | -------- | --------- | -------------------------------------------- | ----------------------------------------- |
 * | D        | PUBLISHED | a consumer may read below this               | 0                                         |
 * | consumer | ACK       | the consumer needs nothing below this        | bit 0: AWAKE; the rest: missed buffers    |
 * | D        | CREDIT    | a provider may write below this              | 0                                         |
 * | provider | PUBLISHED | the provider has written below this          | bit 0: LAST; bit 1: UNANSWERED            |
 * | D        | STATUS    | generation of the present or latest provider | state code of the flow's source           |
 * | D        | DELIVERY  | the consumer's last acknowledgement          | delivery from now on                      |
 * | provider | STALL     | stall timeout in milliseconds, 0: none       | 0                                         |
 * | both     | PAUSE     | the sender's newest count, for logs          | 0; asks for no PUBLISHED until RESUME     |
 * | both     | RESUME    | the sender's newest count, for logs          | 0                                         |
 *
 * AWAKE: the consumer still reads, so D need not signal; without it the consumer has read all that
 * it saw and waits for PUBLISHED. LAST: the provider leaves; a provider that closes without it has
 * died. UNANSWERED: the provider reads `heard` in the flow file, so D sends CREDIT only when the
 * provider has published more meanwhile or may be waiting for credit. The value of STATUS is 0 for
 * a flow that its duplicator fills. DELIVERY follows when a lossless consumer has held the writer
 * back for the stall timeout: the detail is 1, lossy.
 *
 * Only datagram links, which have no connection in the kernel, use ALIVE (checks that the peer's
 * socket exists), BYE (the sender closes) and LINK (the first message of each datagram: the value
 * is the number that the client gave the link, since one socket carries all links of a client);
 * both sides send them.
 */
import { assert, assertEqual } from '../../base/assert.js';

import { ERROR_CODES, codeOfFault, type ErrorCode } from '../../base/errors.js';

export const MESSAGE_BYTES = 16;

/** ACK's detail of a consumer that continues to read without a signal. */
export const AWAKE = 1;

/**
 * ACK's detail counts the buffers that the consumer has missed so far, modulo this, above the bit
 * AWAKE. A consumer that reports none leaves it 0.
 */
export const MISSED_MODULUS = 2 ** 31;

/** ACK's detail. `waits`: everything was read, the duplicator is to signal the next buffer. */
export function packAck(waits: boolean, missed: number): number {
  return (waits ? 0 : AWAKE) + 2 * (missed % MISSED_MODULUS);
}

/** Missed buffers in ACK's detail, modulo MISSED_MODULUS. */
export function missedOf(detail: number): number {
  return detail >>> 1;
}

/** PUBLISHED's detail of a provider that closes. */
export const LAST = 1;

/**
 * PUBLISHED's detail of a provider that reads in the flow file that its duplicator handled the
 * count: an answer would only wake it up.
 */
export const UNANSWERED = 2;

/** Incremented when the meaning of a message changes; HELLO carries it. */
export const LINK_VERSION = 2;

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
  LINK: 16,
} as const;

export type MessageKind = (typeof MessageKind)[keyof typeof MessageKind];

/** Kinds are 1 to LAST_KIND, without gaps. */
export const LAST_KIND: number = MessageKind.LINK;
/** Kinds from this one on are used by link implementations only. */
export const FIRST_INTERNAL_KIND: number = MessageKind.ALIVE;

const LARGEST_DETAIL = 0xffff_ffff;
const TWO_TO_32 = 2 ** 32;

assertEqual(LAST_KIND, Object.keys(MessageKind).length);
assert(FIRST_INTERNAL_KIND > MessageKind.STALL);

/**
 * A RangeError unless `value` is an integer from 0 to 2^53 - 1 and `detail` one from 0 to 2^32 - 1.
 */
export function checkMessage(value: number, detail: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`the value of a message is an integer from 0 to 2^53 - 1, not ${value}`);
  if (!Number.isInteger(detail) || detail < 0 || detail > LARGEST_DETAIL) {
    throw new RangeError(`the detail of a message is an integer from 0 to 2^32 - 1, not ${detail}`);
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
 * The role of a client in a flow. An observer only reads a mirror's image: it gets STATUS and no
 * counts, and its connection shows the duplicator that it is alive.
 */
const ROLES = ['consumer', 'provider', 'observer'] as const;
export type LinkRole = (typeof ROLES)[number];

const DELIVERIES = ['lossless', 'lossy'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/**
 * Where a consumer starts: at the oldest buffer in the ring, at the next one to be published, or at
 * the sequence of a START.
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

/** Undefined when a field has an unknown value. The caller checks the version. */
export function unpackHello(detail: number): Hello | undefined {
  const role = ROLES[detail & 0xff];
  const delivery = DELIVERIES[(detail >>> 8) & 0xff];
  const start = STARTS[(detail >>> 16) & 0xff];
  if (role === undefined || delivery === undefined || start === undefined) return undefined;
  return { role, delivery, start, version: detail >>> 24 };
}

/** Upper bound of client ids. */
const CLIENT_IDS = 2 ** 31;
/** Upper bound of process ids. */
const PROCESS_IDS = 2 ** 22;

/**
 * HELLO's value: the client id plus 2^31 times the client's process id, 0 when the client does not
 * give it. The successor of a killed duplicator checks which of these processes live.
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
