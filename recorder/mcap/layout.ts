/**
 * The records of an MCAP file that are written and read in place, because they occur once per
 * message or chunk; `@mcap/core` encodes the others. Used by the writer and the reader of
 * recordings. Pure. Source: the MCAP specification, https://mcap.dev/spec.
 *
 * Little-endian. Every record begins with its opcode (u8) and the bytes that follow (u64):
 *
 * ```
 * message        opcode 5 | length | channel u16 | sequence u32 | log time u64 | publish time u64 | data
 * chunk          opcode 6 | length | start u64 | end u64 | size u64 | crc u32 | text u32 + compression |
 *                                    u64 length of records | records
 * message index  opcode 7 | length | channel u16 | bytes u32 | (log time u64, offset u64)…
 * ```
 */
import { assertEqual } from '../../protocol/base/assert.js';

export const MAGIC = Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a]);

export const OPCODE = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  metadata: 0x0c,
  dataEnd: 0x0f,
} as const;

/** Opcode and length. */
export const RECORD_HEAD_BYTES = 9;
/** Channel, sequence, log time and publish time. */
export const MESSAGE_HEAD_BYTES = 22;
/** What a message takes in a chunk besides its data. */
export const MESSAGE_OVERHEAD_BYTES = RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES;
/** A chunk up to its records, without the text of its compression. */
export const CHUNK_HEAD_BYTES = RECORD_HEAD_BYTES + 8 + 8 + 8 + 4 + 4 + 8;
/** One entry of a message index. */
export const INDEX_ENTRY_BYTES = 16;
/** A footer with the magic behind it, the end of a finished file. */
export const FOOTER_BYTES = RECORD_HEAD_BYTES + 8 + 8 + 4 + MAGIC.length;

assertEqual(MESSAGE_OVERHEAD_BYTES, 31);
assertEqual(CHUNK_HEAD_BYTES, 49);
assertEqual(FOOTER_BYTES, 37);

const TWO_32 = 2 ** 32;

/** Writes a number of up to 64 bits, of which a double keeps 53. */
export function write64(target: Buffer, value: number, at: number): void {
  const high = Math.floor(value / TWO_32);
  target.writeUInt32LE(value - high * TWO_32, at);
  target.writeUInt32LE(high, at + 4);
}

export function read64(source: Buffer, at: number): number {
  return source.readUInt32LE(at + 4) * TWO_32 + source.readUInt32LE(at);
}

/** Opcode and length of the record that follows. */
export function writeRecordHead(target: Buffer, at: number, opcode: number, length: number): void {
  target[at] = opcode;
  write64(target, length, at + 1);
}
