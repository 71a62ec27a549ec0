/**
 * Collects the summary of a recording that has none, because it is being written or its recorder
 * was killed: goes from record to record and stops at the first one that is not whole. Used by the
 * reader and the repair of recordings. Reads through the function it is given.
 */
import { crc32 } from 'node:zlib';
import { McapStreamReader } from '@mcap/core';
import { messagesOf } from './chunk-reader.js';
import { decompressed } from './compression.js';
import { CHUNK_HEAD_BYTES, INDEX_ENTRY_BYTES, MAGIC, OPCODE, RECORD_HEAD_BYTES, read64 } from './layout.js';
import { Summary, type ChunkPlace } from './summary.js';

/** Reads `length` bytes at `position`, or fewer at the end of the file. */
export type ReadBytes = (position: number, length: number) => Buffer;

export interface Scanned {
  readonly summary: Summary;
  /** End of the last whole record; what follows is no part of the recording. */
  readonly end: number;
  /** The last chunk when its message indexes are missing or incomplete. */
  readonly unindexed: ChunkPlace | undefined;
}

/** More than the longest name of a compression. */
const COMPRESSION_CHARACTERS_MAX = 64;
/** Schemas, channels and metadata of a recording are far shorter. */
const RECORD_BYTES_MAX = 64 * 2 ** 20;
/** Channel and length of a message index. */
const INDEX_HEAD_BYTES = 6;

/** A chunk with the message indexes that were found behind it. */
interface FoundChunk {
  readonly place: ChunkPlace;
  readonly indexOffsets: Map<number, number>;
  readonly counts: Map<number, number>;
  indexBytes: number;
}

/** `size`: bytes of the file. The magic at its start is the caller's to check. */
export function scan(read: ReadBytes, size: number): Scanned {
  const summary = new Summary();
  const chunks: FoundChunk[] = [];
  let at = MAGIC.length;
  while (at + RECORD_HEAD_BYTES <= size) {
    const head = read(at, CHUNK_HEAD_BYTES + COMPRESSION_CHARACTERS_MAX);
    const end = at + RECORD_HEAD_BYTES + read64(head, 1);
    if (end > size || !addRecord(read, summary, chunks, head, at, end - at)) break;
    at = end;
  }
  return withLastChunk(read, summary, chunks, at);
}

/** False for a record that ends the data section or is damaged. */
function addRecord(
  read: ReadBytes,
  summary: Summary,
  chunks: FoundChunk[],
  head: Buffer,
  at: number,
  bytes: number,
): boolean {
  switch (head[0]) {
    case 0:
    case OPCODE.dataEnd:
    case OPCODE.footer:
      return false;
    case OPCODE.chunk: {
      const place = placeOf(head, at, bytes);
      if (place === undefined) return false;
      chunks.push({ place, indexOffsets: new Map(), counts: new Map(), indexBytes: 0 });
      return true;
    }
    case OPCODE.messageIndex: {
      const chunk = chunks.at(-1);
      if (chunk === undefined || bytes < RECORD_HEAD_BYTES + INDEX_HEAD_BYTES) return false;
      const channel = head.readUInt16LE(RECORD_HEAD_BYTES);
      chunk.indexOffsets.set(channel, at);
      chunk.counts.set(channel, Math.floor((bytes - RECORD_HEAD_BYTES) / INDEX_ENTRY_BYTES));
      chunk.indexBytes += bytes;
      return true;
    }
    case OPCODE.metadata:
      if (bytes > RECORD_BYTES_MAX) return false;
      return addDefinition(summary, read(at, bytes), at);
    case OPCODE.schema:
    case OPCODE.channel:
      return bytes <= RECORD_BYTES_MAX && addDefinition(summary, read(at, bytes), at);
    default:
      return true;
  }
}

/** False for a record that cannot be parsed. */
function addDefinition(summary: Summary, bytes: Buffer, at: number): boolean {
  const reader = new McapStreamReader({ noMagicPrefix: true });
  try {
    reader.append(bytes);
    const record = reader.nextRecord();
    if (record?.type === 'Schema') summary.schemas.set(record.id, record);
    else if (record?.type === 'Channel') summary.channels.set(record.id, record);
    else if (record?.type === 'Metadata')
      summary.metadata.push({ name: record.name, offset: at, bytes: bytes.length });
    else return false;
    return true;
  } catch {
    return false;
  }
}

/**
 * The last chunk may have been cut before its indexes, or its bytes may not have reached the disk:
 * it is read and counted, or left out.
 */
function withLastChunk(read: ReadBytes, summary: Summary, chunks: FoundChunk[], end: number): Scanned {
  const last = chunks.pop();
  for (const chunk of chunks) addChunk(summary, chunk);
  if (last === undefined) return { summary, end, unindexed: undefined };
  const counts = messageCounts(read, last.place);
  if (counts === undefined) return { summary, end: last.place.offset, unindexed: undefined };
  const isIndexed =
    counts.size === last.counts.size &&
    [...counts].every(([channel, count]) => last.counts.get(channel) === count);
  if (isIndexed) {
    addChunk(summary, last);
    return { summary, end, unindexed: undefined };
  }
  const indexOffsets = new Map([...counts.keys()].map((channel) => [channel, 0]));
  const unindexed = addChunk(summary, { ...last, counts, indexOffsets, indexBytes: 0 });
  return { summary, end: last.place.offset + last.place.bytes, unindexed };
}

function addChunk(summary: Summary, { place, indexOffsets, indexBytes, counts }: FoundChunk): ChunkPlace {
  const chunk = { ...place, indexOffsets, indexBytes };
  summary.chunks.push(chunk);
  summary.addCounts(counts);
  return chunk;
}

/** Messages by channel; undefined when the chunk's checksum or a record in it is wrong. */
function messageCounts(read: ReadBytes, chunk: ChunkPlace): Map<number, number> | undefined {
  const records = recordsOf(read, chunk);
  if (typeof records === 'string') return undefined;
  const counts = new Map<number, number>();
  try {
    for (const { channel } of messagesOf(records)) counts.set(channel, (counts.get(channel) ?? 0) + 1);
  } catch {
    return undefined;
  }
  return counts;
}

/** The records of a chunk, or its defect. Throws BAD_OPTION for an unknown compression. */
export function recordsOf(read: ReadBytes, chunk: ChunkPlace): Buffer | string {
  const record = read(chunk.offset, chunk.bytes);
  if (record.length < chunk.bytes) return 'the file ends in the chunk';
  const found = placeOf(record, chunk.offset, chunk.bytes);
  if (record[0] !== OPCODE.chunk || found === undefined) return 'there is no chunk';
  const records = decompressed(found.compression, record.subarray(chunk.bytes - found.compressedBytes));
  if (records.length !== found.uncompressedBytes) return 'the chunk has another size than it states';
  const expected = record.readUInt32LE(33);
  return expected === 0 || crc32(records) === expected ? records : 'the checksum of the chunk is wrong';
}

/** `bytes`: of the whole record. */
function placeOf(head: Buffer, offset: number, bytes: number): ChunkPlace | undefined {
  if (bytes < CHUNK_HEAD_BYTES) return undefined;
  const characters = head.readUInt32LE(37);
  if (characters > COMPRESSION_CHARACTERS_MAX || head.length < CHUNK_HEAD_BYTES + characters)
    return undefined;
  const compressedBytes = read64(head, 41 + characters);
  if (compressedBytes !== bytes - CHUNK_HEAD_BYTES - characters) return undefined;
  return {
    offset,
    bytes,
    startNs: read64(head, 9),
    endNs: read64(head, 17),
    uncompressedBytes: read64(head, 25),
    compression: head.subarray(41, 41 + characters).toString('latin1'),
    compressedBytes,
    indexOffsets: new Map(),
    indexBytes: 0,
  };
}
