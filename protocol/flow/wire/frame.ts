/**
 * The frame of the connection between two duplicators: the one place where its offsets stand.
 * Little-endian, positions in bytes. `docs/wire.md` describes the same for programs in other
 * languages.
 *
 * ```
 *    0 ┌─────────────┬──────────┬──────────┬───────────────────────────┐
 *      │ length      │ kind u16 │ bits u16 │ sequence u64              │
 *   16 ├─────────────┴──────────┴──────────┼─────────────┬─────────────┤
 *      │ value u64                         │ detail u32  │ crc32 u32   │
 *   32 ├───────────────────────────────────┴─────────────┴─────────────┤
 *      │ payload, `length` bytes                                       │
 *      └───────────────────────────────────────────────────────────────┘
 * ```
 *
 * S the sender, R the receiver of the flow:
 *
 * | kind        | from | sequence                      | value           | detail                          | payload                 |
 * | ----------- | ---- | ----------------------------- | --------------- | ------------------------------- | ----------------------- |
 * | BUFFER      | S    | of the buffer; what was left out below it is lost | timestampNs | flags of its slot | the buffer              |
 * | BLOCKS      | S    | of the publication they are of | its size       | count of ranges                 | ranges, blocks (blocks.ts) |
 * | PUBLICATION | S    | of the publication, now whole | timestampNs     | flags of its slot               | u32 its size            |
 * | STATE       | S    | 0                             | stateSinceNs    | 8 × generation + source state   | –                       |
 * | DELIVERY    | S    | from which it holds           | 0               | 0 lossless, 1 lossy             | –                       |
 * | DELIVERY    | R    | 0                             | 0               | 0 lossless, 1 lossy             | –                       |
 * | ACK         | R    | all below it are in the ring  | 0               | 0                               | –                       |
 * | ALIVE       | both | 0                             | 0               | 0                               | –                       |
 * | BYE         | both | 0                             | 0               | 0                               | –                       |
 */
import assert from 'node:assert/strict';

export const FRAME_BYTES = 32;

const AT = { length: 0, kind: 4, bits: 6, sequence: 8, value: 16, detail: 24, crc: 28 } as const;
assert.equal(AT.crc + 4, FRAME_BYTES);

export const FrameKind = {
  BUFFER: 1,
  BLOCKS: 2,
  PUBLICATION: 3,
  STATE: 4,
  DELIVERY: 5,
  ACK: 6,
  ALIVE: 7,
  BYE: 8,
} as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];
const LAST_KIND: number = FrameKind.BYE;

export const FrameBits = {
  /** `crc32` is that of the payload. */
  CRC: 1,
  /** BLOCKS: the blocks are deflated. */
  DEFLATED: 2,
  /** BLOCKS: they are the difference, by XOR, to what the receiver has there. */
  DIFFERENCE: 4,
} as const;
const ALL_BITS: number = FrameBits.CRC | FrameBits.DEFLATED | FrameBits.DIFFERENCE;

export const DELIVERY_DETAIL = { lossless: 0, lossy: 1 } as const;

const TWO_32 = 2 ** 32;

/**
 * A header as numbers; one object is filled again and again, so that a frame costs no allocation.
 */
export interface FrameHeader {
  length: number;
  kind: FrameKind;
  bits: number;
  sequence: number;
  value: number;
  detail: number;
  crc: number;
}

export function emptyHeader(): FrameHeader {
  return { length: 0, kind: FrameKind.ALIVE, bits: 0, sequence: 0, value: 0, detail: 0, crc: 0 };
}

/**
 * Writes a header; `sequence` is a safe integer from 0, `value` may be larger and keeps 53 bits of
 * precision.
 */
export function encodeHeader(target: Buffer, at: number, header: Readonly<FrameHeader>): void {
  target.writeUInt32LE(header.length, at + AT.length);
  target.writeUInt16LE(header.kind, at + AT.kind);
  target.writeUInt16LE(header.bits, at + AT.bits);
  write64(target, header.sequence, at + AT.sequence);
  write64(target, header.value, at + AT.value);
  target.writeUInt32LE(header.detail, at + AT.detail);
  target.writeUInt32LE(header.crc, at + AT.crc);
}

/** A frame without a payload. */
export function controlFrame(kind: FrameKind, sequence = 0, value = 0, detail = 0): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_BYTES);
  encodeHeader(bytes, 0, { length: 0, kind, bits: 0, sequence, value, detail, crc: 0 });
  return bytes;
}

/** Reads a header into `into`. Returns what is impossible about it, or undefined. */
export function decodeHeader(source: Buffer, at: number, into: FrameHeader): string | undefined {
  const kind = source.readUInt16LE(at + AT.kind);
  if (kind < 1 || kind > LAST_KIND) return `a frame is of kind ${kind}, which means nothing here`;
  into.kind = kind as FrameKind;
  into.length = source.readUInt32LE(at + AT.length);
  into.bits = source.readUInt16LE(at + AT.bits);
  if ((into.bits & ~ALL_BITS) !== 0) return `a frame has bits ${into.bits}, which mean nothing here`;
  into.sequence = read64(source, at + AT.sequence);
  into.value = read64(source, at + AT.value);
  if (!Number.isSafeInteger(into.sequence)) return 'a frame has a sequence beyond 2^53 - 1';
  into.detail = source.readUInt32LE(at + AT.detail);
  into.crc = source.readUInt32LE(at + AT.crc);
  return undefined;
}

function write64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % TWO_32, at);
  target.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

function read64(source: Buffer, at: number): number {
  return source.readUInt32LE(at + 4) * TWO_32 + source.readUInt32LE(at);
}
