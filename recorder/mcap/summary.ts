/**
 * What the end of an MCAP file repeats: schemas, channels, and where the chunks and metadata are.
 * The writer collects one while it writes, the reader reads it back or collects it from an
 * unfinished file, and the repair writes it behind such a file. Pure: no I/O.
 */
import { crc32 } from 'node:zlib';
import { McapConstants, McapRecordBuilder, type McapTypes } from '@mcap/core';
import { OPCODE, RECORD_HEAD_BYTES, write64, writeRecordHead } from './layout.js';

export type Schema = McapTypes.Schema;
export type Channel = McapTypes.Channel;

/** Where a chunk is, and which messages it has. Times are nanoseconds since 1970. */
export interface ChunkPlace {
  readonly offset: number;
  /** Size of the chunk record. */
  readonly bytes: number;
  readonly startNs: number;
  readonly endNs: number;
  readonly compression: string;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Per channel, the place of its message index in the file. */
  readonly indexOffsets: ReadonlyMap<number, number>;
  readonly indexBytes: number;
}

export interface MetadataPlace {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

const { Opcode } = McapConstants;

export class Summary {
  readonly schemas = new Map<number, Schema>();
  readonly channels = new Map<number, Channel>();
  readonly chunks: ChunkPlace[] = [];
  readonly metadata: MetadataPlace[] = [];
  /** Messages by channel. */
  readonly counts = new Map<number, number>();

  get messages(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  /** Undefined without messages. */
  get span(): { readonly startNs: number; readonly endNs: number } | undefined {
    if (this.chunks.length === 0) return undefined;
    let [startNs, endNs] = [Infinity, 0];
    for (const chunk of this.chunks) {
      startNs = Math.min(startNs, chunk.startNs);
      endNs = Math.max(endNs, chunk.endNs);
    }
    return { startNs, endNs };
  }

  addCounts(counts: ReadonlyMap<number, number>): void {
    for (const [channel, count] of counts) this.counts.set(channel, (this.counts.get(channel) ?? 0) + count);
  }

  /** The end of a file whose data section ends at `position`: data end, summary, footer, magic. */
  encode(position: number): Buffer {
    const builder = new McapRecordBuilder();
    builder.writeDataEnd({ dataSectionCrc: 0 });
    const dataEnd = takeBytes(builder);
    const summaryStart = position + dataEnd.length;
    const groups: Buffer[] = [];
    const offsets: McapTypes.SummaryOffset[] = [];
    let at = summaryStart;
    const group = (opcode: number, write: () => void): void => {
      write();
      const bytes = takeBytes(builder);
      if (bytes.length === 0) return;
      offsets.push({ groupOpcode: opcode, groupStart: BigInt(at), groupLength: BigInt(bytes.length) });
      groups.push(bytes);
      at += bytes.length;
    };
    group(Opcode.SCHEMA, () => this.schemas.forEach((schema) => builder.writeSchema(schema)));
    group(Opcode.CHANNEL, () => this.channels.forEach((channel) => builder.writeChannel(channel)));
    group(Opcode.STATISTICS, () => builder.writeStatistics(this.#statistics()));
    group(Opcode.METADATA_INDEX, () =>
      this.metadata.forEach(({ name, offset, bytes }) =>
        builder.writeMetadataIndex({ name, offset: BigInt(offset), length: BigInt(bytes) }),
      ),
    );
    group(Opcode.CHUNK_INDEX, () => this.chunks.forEach((chunk) => builder.writeChunkIndex(indexOf(chunk))));
    const offsetStart = at;
    for (const offset of offsets) builder.writeSummaryOffset(offset);
    groups.push(takeBytes(builder));
    const footer = Buffer.alloc(RECORD_HEAD_BYTES + 16);
    writeRecordHead(footer, 0, OPCODE.footer, 20);
    write64(footer, summaryStart, RECORD_HEAD_BYTES);
    write64(footer, offsetStart, RECORD_HEAD_BYTES + 8);
    const summary = Buffer.concat([...groups, footer]);
    const crc = Buffer.alloc(4);
    crc.writeUInt32LE(crc32(summary));
    builder.writeMagic();
    return Buffer.concat([dataEnd, summary, crc, takeBytes(builder)]);
  }

  #statistics(): McapTypes.Statistics {
    const { startNs, endNs } = this.span ?? { startNs: 0, endNs: 0 };
    return {
      messageCount: BigInt(this.messages),
      schemaCount: this.schemas.size,
      channelCount: this.channels.size,
      attachmentCount: 0,
      metadataCount: this.metadata.length,
      chunkCount: this.chunks.length,
      messageStartTime: BigInt(startNs),
      messageEndTime: BigInt(endNs),
      channelMessageCounts: new Map([...this.counts].map(([channel, count]) => [channel, BigInt(count)])),
    };
  }
}

/** The bytes that the builder has collected, as a copy, and empties it. */
export function takeBytes(builder: McapRecordBuilder): Buffer {
  const bytes = Buffer.from(builder.buffer);
  builder.reset();
  return bytes;
}

function indexOf(chunk: ChunkPlace): McapTypes.ChunkIndex {
  return {
    messageStartTime: BigInt(chunk.startNs),
    messageEndTime: BigInt(chunk.endNs),
    chunkStartOffset: BigInt(chunk.offset),
    chunkLength: BigInt(chunk.bytes),
    messageIndexOffsets: new Map([...chunk.indexOffsets].map(([channel, at]) => [channel, BigInt(at)])),
    messageIndexLength: BigInt(chunk.indexBytes),
    compression: chunk.compression,
    compressedSize: BigInt(chunk.compressedBytes),
    uncompressedSize: BigInt(chunk.uncompressedBytes),
  };
}
