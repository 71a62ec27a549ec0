/**
 * The frames that carry a flow between the duplicators of two hosts: the one place that defines
 * their layout and kinds. Used by senders and receivers in duplicators. Pure. docs/wire.md
 * describes the same for programs in other languages.
 *
 * Little-endian; positions are bytes.
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
 * From S, the sender of the flow, or R, its receiver:
 *
 * | kind        | from | sequence                          | value        | detail                        | payload                    |
 * | ----------- | ---- | --------------------------------- | ------------ | ----------------------------- | -------------------------- |
 * | BUFFER      | S    | of the buffer; those skipped are lost | timestampNs | flags of its slot        | the buffer                 |
 * | BLOCKS      | S    | of the publication                | its size     | number of ranges              | ranges, blocks (blocks.ts) |
 * | PUBLICATION | S    | of the publication, now complete  | timestampNs  | flags of its slot             | u32 its size               |
 * | STATE       | S    | 0                                 | stateSinceNs | 8 × generation + source state | –                          |
 * | DELIVERY    | S    | first one with this delivery      | 0            | 0 lossless, 1 lossy           | –                          |
 * | DELIVERY    | R    | 0                                 | 0            | 0 lossless, 1 lossy           | –                          |
 * | ACK         | R    | R has all below it in its ring    | 0            | 0                             | –                          |
 * | ALIVE       | both | 0                                 | 0            | 0                             | –                          |
 * | BYE         | both | 0                                 | 0            | 0                             | –                          |
 */
import { assertEqual } from '../../base/assert.js';

export const FRAME_BYTES = 32;

const AT = { length: 0, kind: 4, bits: 6, sequence: 8, value: 16, detail: 24, crc: 28 } as const;
assertEqual(AT.crc + 4, FRAME_BYTES);

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
  /** The header's `crc32` is the checksum of the payload; otherwise 0. */
  CRC: 1,
  /** BLOCKS: the bytes of the blocks are a raw deflate stream. */
  DEFLATED: 2,
  /** BLOCKS: the blocks are XORed with the receiver's bytes at the same place. */
  DIFFERENCE: 4,
} as const;
const ALL_BITS: number = FrameBits.CRC | FrameBits.DEFLATED | FrameBits.DIFFERENCE;

export const DELIVERY_DETAIL = { lossless: 0, lossy: 1 } as const;

const TWO_32 = 2 ** 32;

/**
 * A header as numbers. Readers and writers reuse one object, so that a frame needs no allocation.
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
 * Writes a header. `sequence` is a safe integer from 0; `value` may be larger and keeps 53 bits of
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

/** Reads a header into `header`. Returns the defect of an invalid header, otherwise undefined. */
export function decodeHeader(source: Buffer, at: number, header: FrameHeader): string | undefined {
  const kind = source.readUInt16LE(at + AT.kind);
  if (kind < 1 || kind > LAST_KIND) return `a frame has the unknown kind ${kind}`;
  header.kind = kind as FrameKind;
  header.length = source.readUInt32LE(at + AT.length);
  header.bits = source.readUInt16LE(at + AT.bits);
  if ((header.bits & ~ALL_BITS) !== 0) return `a frame has unknown bits ${header.bits}`;
  header.sequence = read64(source, at + AT.sequence);
  header.value = read64(source, at + AT.value);
  if (!Number.isSafeInteger(header.sequence)) return 'a frame has a sequence above 2^53 - 1';
  header.detail = source.readUInt32LE(at + AT.detail);
  header.crc = source.readUInt32LE(at + AT.crc);
  return undefined;
}

function write64(target: Buffer, value: number, at: number): void {
  target.writeUInt32LE(value % TWO_32, at);
  target.writeUInt32LE(Math.floor(value / TWO_32), at + 4);
}

function read64(source: Buffer, at: number): number {
  return source.readUInt32LE(at + 4) * TWO_32 + source.readUInt32LE(at);
}
