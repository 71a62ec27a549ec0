/**
 * The messages in the records of a chunk, in the order in which they were written. Used by the
 * reader of recordings and by their repair. Pure: reads the bytes it is given, and trusts none of
 * them.
 */
import { MESSAGE_HEAD_BYTES, MESSAGE_OVERHEAD_BYTES, OPCODE, RECORD_HEAD_BYTES, read64 } from './layout.js';

export interface StoredMessage {
  readonly channel: number;
  /** The lower 32 bits of the buffer's sequence. */
  readonly sequence: number;
  /** Wall-clock nanoseconds since 1970. */
  readonly timestampNs: number;
  /** A view of the chunk. */
  readonly data: Buffer;
  /** From the start of the chunk's records. */
  readonly offset: number;
}

/** Other records of the chunk are skipped. Throws RangeError where a record exceeds the chunk. */
export function* messagesOf(records: Buffer): Generator<StoredMessage, void, undefined> {
  let at = 0;
  while (at < records.length) {
    const end = at + RECORD_HEAD_BYTES + read64(records, at + 1);
    if (end > records.length) throw new RangeError(`a record at ${at} exceeds its chunk`);
    if (records[at] === OPCODE.message) {
      if (end - at < RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES)
        throw new RangeError(`the message at ${at} is too short`);
      yield {
        channel: records.readUInt16LE(at + 9),
        sequence: records.readUInt32LE(at + 11),
        timestampNs: read64(records, at + 15),
        data: records.subarray(at + MESSAGE_OVERHEAD_BYTES, end),
        offset: at,
      };
    }
    at = end;
  }
}
