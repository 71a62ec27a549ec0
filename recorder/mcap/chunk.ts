/**
 * One chunk of an MCAP file in memory: messages are appended to a buffer that is written to the
 * file as it is, so that a message is copied once. Used by `RecordingFile`, which fills one chunk
 * while others are being written. Pure: no I/O.
 */
import { crc32 } from 'node:zlib';
import {
  CHUNK_HEAD_BYTES,
  INDEX_ENTRY_BYTES,
  MESSAGE_HEAD_BYTES,
  MESSAGE_OVERHEAD_BYTES,
  OPCODE,
  RECORD_HEAD_BYTES,
  write64,
  writeRecordHead,
} from './layout.js';

/** Compresses the records of a chunk. */
export interface Compression {
  /** Name of the compression in the chunk: `zstd` or `lz4`. */
  readonly name: string;
  compress(records: Uint8Array): Uint8Array;
}

/** A chunk as it is written, with what the file's index keeps of it. */
export interface SealedChunk {
  /** The chunk record, then its message indexes. */
  readonly pieces: readonly Uint8Array[];
  readonly chunkBytes: number;
  readonly indexBytes: number;
  /** Per channel, the offset of its message index from the end of the chunk record. */
  readonly indexOffsets: ReadonlyMap<number, number>;
  readonly messageCounts: ReadonlyMap<number, number>;
  readonly startNs: number;
  readonly endNs: number;
  readonly compression: string;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
}

/** Entries that the index of one channel has room for at first. */
const FIRST_ENTRIES = 64;

class ChannelIndex {
  #bytes = Buffer.allocUnsafe(RECORD_HEAD_BYTES + 6 + FIRST_ENTRIES * INDEX_ENTRY_BYTES);
  count = 0;

  add(timestampNs: number, offset: number): void {
    const at = RECORD_HEAD_BYTES + 6 + this.count * INDEX_ENTRY_BYTES;
    if (at + INDEX_ENTRY_BYTES > this.#bytes.length)
      this.#bytes = Buffer.concat([this.#bytes], this.#bytes.length * 2);
    write64(this.#bytes, timestampNs, at);
    write64(this.#bytes, offset, at + 8);
    this.count += 1;
  }

  /** The message index record; belongs to the caller. */
  take(channel: number): Buffer {
    const entries = this.count * INDEX_ENTRY_BYTES;
    const record = this.#bytes.subarray(0, RECORD_HEAD_BYTES + 6 + entries);
    writeRecordHead(record, 0, OPCODE.messageIndex, 6 + entries);
    record.writeUInt16LE(channel, RECORD_HEAD_BYTES);
    record.writeUInt32LE(entries, RECORD_HEAD_BYTES + 2);
    return Buffer.from(record);
  }
}

export class Chunk {
  #bytes: Buffer;
  #at = CHUNK_HEAD_BYTES;
  #startNs = Infinity;
  #endNs = 0;
  readonly #indexes = new Map<number, ChannelIndex>();

  /** `capacity`: bytes of records. */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafeSlow(CHUNK_HEAD_BYTES + capacity);
  }

  get isEmpty(): boolean {
    return this.#at === CHUNK_HEAD_BYTES;
  }

  /** Bytes of records so far. */
  get bytes(): number {
    return this.#at - CHUNK_HEAD_BYTES;
  }

  /** Bytes of records that still fit. */
  get room(): number {
    return this.#bytes.length - this.#at;
  }

  /** Replaces the buffer of an empty chunk when it is smaller than `capacity`. */
  reserve(capacity: number): void {
    if (this.room < capacity) this.#bytes = Buffer.allocUnsafeSlow(CHUNK_HEAD_BYTES + capacity);
  }

  /** Appends a message; `room` must suffice. */
  append(channel: number, sequence: number, timestampNs: number, data: Uint8Array): void {
    const target = this.#bytes;
    const at = this.#at;
    writeRecordHead(target, at, OPCODE.message, MESSAGE_HEAD_BYTES + data.length);
    target.writeUInt16LE(channel, at + 9);
    target.writeUInt32LE(sequence % 2 ** 32, at + 11);
    write64(target, timestampNs, at + 15);
    write64(target, timestampNs, at + 23);
    target.set(data, at + MESSAGE_OVERHEAD_BYTES);
    this.#index(channel).add(timestampNs, at - CHUNK_HEAD_BYTES);
    this.#at = at + MESSAGE_OVERHEAD_BYTES + data.length;
    if (timestampNs < this.#startNs) this.#startNs = timestampNs;
    if (timestampNs > this.#endNs) this.#endNs = timestampNs;
  }

  /** The chunk as it is written; valid until `clear`. */
  seal(compression?: Compression): SealedChunk {
    const records = this.#bytes.subarray(CHUNK_HEAD_BYTES, this.#at);
    const compressed = compression?.compress(records) ?? records;
    const name = Buffer.from(compression?.name ?? '', 'utf8');
    const head = compression === undefined ? this.#bytes : Buffer.allocUnsafe(CHUNK_HEAD_BYTES + name.length);
    const chunkBytes = CHUNK_HEAD_BYTES + name.length + compressed.length;
    writeRecordHead(head, 0, OPCODE.chunk, chunkBytes - RECORD_HEAD_BYTES);
    write64(head, this.#startNs, 9);
    write64(head, this.#endNs, 17);
    write64(head, records.length, 25);
    head.writeUInt32LE(crc32(records), 33);
    head.writeUInt32LE(name.length, 37);
    name.copy(head, 41);
    write64(head, compressed.length, 41 + name.length);
    const pieces = compression === undefined ? [this.#bytes.subarray(0, this.#at)] : [head, compressed];
    const indexOffsets = new Map<number, number>();
    const messageCounts = new Map<number, number>();
    let indexBytes = 0;
    for (const [channel, index] of this.#indexes) {
      if (index.count === 0) continue;
      const record = index.take(channel);
      indexOffsets.set(channel, indexBytes);
      messageCounts.set(channel, index.count);
      indexBytes += record.length;
      pieces.push(record);
    }
    return {
      pieces,
      chunkBytes,
      indexBytes,
      indexOffsets,
      messageCounts,
      startNs: this.#startNs,
      endNs: this.#endNs,
      compression: compression?.name ?? '',
      uncompressedBytes: records.length,
      compressedBytes: compressed.length,
    };
  }

  /** Makes the chunk empty again. */
  clear(): void {
    this.#at = CHUNK_HEAD_BYTES;
    this.#startNs = Infinity;
    this.#endNs = 0;
    for (const index of this.#indexes.values()) index.count = 0;
  }

  #index(channel: number): ChannelIndex {
    let index = this.#indexes.get(channel);
    if (index === undefined) this.#indexes.set(channel, (index = new ChannelIndex()));
    return index;
  }
}
