/**
 * Parcels: what one NATS message of a flow carries. A publication of a mirror, or some buffers of
 * another flow, are encoded as wire frames (protocol/flow/wire/frame.ts) and cut into parcels below
 * the server's message limit. Encoded by the publisher (nats/publish), decoded by duplicators that
 * receive over NATS. Pure. docs/nats-flows.md describes the same for programs in other languages.
 *
 * A group is what must be applied as a whole: a publication, or one or more whole buffers. A group
 * of several parcels is one publication or one buffer.
 *
 * Little-endian; positions are bytes.
 *
 * ```
 *  0 ┌──────────────────┬─────────────┬──────────┬───────────────────────┐
 *    │ magic "MFPC"     │ version u16 │ bits u16 │ epoch u64             │
 * 16 ├──────────────────┴─────────────┴──────────┼───────────────────────┤
 *    │ follows u64                               │ next u64              │
 * 32 ├───────────────────────────────────────────┼───────────┬───────────┤
 *    │ anchor u64                                │ group u32 │ part u32  │
 * 48 ├───────────┬───────────────────────────────┴───────────┴───────────┤
 *    │ parts u32 │ content: the frames, or a description as JSON         │
 *    └───────────┴───────────────────────────────────────────────────────┘
 * ```
 *
 * | field   | meaning                                                                            |
 * | ------- | ---------------------------------------------------------------------------------- |
 * | epoch   | of the flow at its source                                                          |
 * | follows | all published before it is below this sequence; what a delta builds upon; of a key 0 |
 * | next    | the sequence behind the group                                                      |
 * | anchor  | this group and all later ones of the flow are stored behind this stream sequence   |
 * | group   | number of the group; differs from those of an earlier publisher                    |
 */
import { assert, assertEqual } from '../base/assert.js';

const MAGIC = 'MFPC';
/** Incremented when the layout changes. */
export const PARCEL_VERSION = 1;
export const PARCEL_HEAD_BYTES = 52;
/** Most parcels of a group: the largest buffer in the smallest parcels. */
const PARTS_MAX = 2 ** 22;

const AT = {
  version: 4,
  bits: 6,
  epoch: 8,
  follows: 16,
  next: 24,
  anchor: 32,
  group: 40,
  part: 44,
  parts: 48,
} as const;
assertEqual(AT.parts + 4, PARCEL_HEAD_BYTES);

export const ParcelBits = {
  /** The group is a whole display memory and builds upon nothing. */
  KEY: 1,
  /** The content describes the flow (flow-description.ts); the group has no buffers. */
  DESCRIPTION: 2,
} as const;
const ALL_BITS: number = ParcelBits.KEY | ParcelBits.DESCRIPTION;

/** What all parcels of a group have in common. */
export interface GroupHead {
  readonly bits: number;
  readonly epoch: number;
  readonly follows: number;
  readonly next: number;
  readonly anchor: number;
  /** 0 to 2^32 - 1. */
  readonly group: number;
}

export interface Parcel extends GroupHead {
  readonly part: number;
  readonly parts: number;
  /** A view of the decoded message. */
  readonly content: Buffer;
}

/**
 * Cuts the frames of a group into parcels of at most `parcelBytes`, head included; at least one.
 */
export function encodeParcels(head: GroupHead, frames: readonly Buffer[], parcelBytes: number): Buffer[] {
  const room = parcelBytes - PARCEL_HEAD_BYTES;
  assert(room > 0);
  const contentBytes = frames.reduce((sum, { length }) => sum + length, 0);
  const parts = Math.max(1, Math.ceil(contentBytes / room));
  const parcels = Array.from({ length: parts }, (_, part) => {
    const bytes = Math.min(room, contentBytes - part * room);
    return writeHead(Buffer.allocUnsafeSlow(PARCEL_HEAD_BYTES + bytes), head, part, parts);
  });
  let part = 0;
  let at = PARCEL_HEAD_BYTES;
  for (const frame of frames) {
    for (let from = 0; from < frame.length;) {
      const parcel = parcels[part];
      assert(parcel !== undefined);
      const copied = frame.copy(parcel, at, from);
      from += copied;
      at += copied;
      if (at < parcelBytes) continue;
      part += 1;
      at = PARCEL_HEAD_BYTES;
    }
  }
  return parcels;
}

/** Returns the defect of an invalid message as a text. */
export function decodeParcel(bytes: Buffer): Parcel | string {
  if (bytes.length < PARCEL_HEAD_BYTES) return `a parcel has ${bytes.length} bytes`;
  if (bytes.toString('latin1', 0, AT.version) !== MAGIC) return `a parcel does not begin with ${MAGIC}`;
  const version = bytes.readUInt16LE(AT.version);
  if (version !== PARCEL_VERSION)
    return `a parcel has version ${version}; this program uses version ${PARCEL_VERSION}`;
  const parcel = {
    bits: bytes.readUInt16LE(AT.bits),
    epoch: Number(bytes.readBigUInt64LE(AT.epoch)),
    follows: Number(bytes.readBigUInt64LE(AT.follows)),
    next: Number(bytes.readBigUInt64LE(AT.next)),
    anchor: Number(bytes.readBigUInt64LE(AT.anchor)),
    group: bytes.readUInt32LE(AT.group),
    part: bytes.readUInt32LE(AT.part),
    parts: bytes.readUInt32LE(AT.parts),
    content: bytes.subarray(PARCEL_HEAD_BYTES),
  };
  const { bits, epoch, follows, next, anchor, part, parts } = parcel;
  if ((bits & ~ALL_BITS) !== 0) return `a parcel has unknown bits ${bits}`;
  if (![epoch, follows, next, anchor].every((value) => Number.isSafeInteger(value)))
    return 'a parcel has a number above 2^53 - 1';
  if (parts < 1 || parts > PARTS_MAX || part >= parts)
    return `a parcel claims to be number ${part} of ${parts}`;
  if (follows > next) return `a parcel leads from sequence ${follows} back to ${next}`;
  return parcel;
}

function writeHead(target: Buffer, head: GroupHead, part: number, parts: number): Buffer {
  target.write(MAGIC, 0, 'latin1');
  target.writeUInt16LE(PARCEL_VERSION, AT.version);
  target.writeUInt16LE(head.bits, AT.bits);
  target.writeBigUInt64LE(BigInt(head.epoch), AT.epoch);
  target.writeBigUInt64LE(BigInt(head.follows), AT.follows);
  target.writeBigUInt64LE(BigInt(head.next), AT.next);
  target.writeBigUInt64LE(BigInt(head.anchor), AT.anchor);
  target.writeUInt32LE(head.group, AT.group);
  target.writeUInt32LE(part, AT.part);
  target.writeUInt32LE(parts, AT.parts);
  return target;
}
