/**
 * Reads an MCAP file: its summary, or what an unfinished file has instead, and messages by channel
 * and time. Used by players, exports, `mirrorflow recordings` and tests. Opens one file for
 * reading; a file that is being written may be read, and `refresh` finds what was added.
 *
 * Reads block the thread for the time of one chunk: some milliseconds from a disk.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { McapStreamReader, type McapTypes } from '@mcap/core';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import { messagesOf, type StoredMessage } from './chunk-reader.js';
import { FOOTER_BYTES, MAGIC, OPCODE, RECORD_HEAD_BYTES, read64 } from './layout.js';
import { recordsOf, scan } from './scan.js';
import { Summary, type Channel, type ChunkPlace } from './summary.js';

export interface MessageFilter {
  /** Channels of the messages; all by default. */
  readonly channels?: ReadonlySet<number> | undefined;
  /** The first time, inclusive. */
  readonly fromNs?: number | undefined;
  /** The last time, inclusive. */
  readonly toNs?: number | undefined;
}

export interface RecordedMessage extends StoredMessage {
  readonly of: Channel;
}

/** Chunks whose records are kept, so that neighbouring reads share them. */
const CACHED_CHUNKS = 2;

export class RecordingReader {
  readonly path: string;
  readonly #fd: number;
  #summary = new Summary();
  #isFinished = false;
  #end = 0;
  readonly #cache = new Map<number, Buffer>();

  /** Throws BAD_OPTION when there is no such file, FILE_CORRUPT when it is no MCAP file. */
  constructor(path: string) {
    this.path = path;
    this.#fd = openRecording(path);
    try {
      if (!this.#read(0, MAGIC.length).equals(MAGIC))
        throw corrupt(path, 'it does not begin as an MCAP file');
      this.refresh();
    } catch (error) {
      closeSync(this.#fd);
      throw error;
    }
  }

  get summary(): Summary {
    return this.#summary;
  }

  /** Whether it has its summary: its recorder has closed it, or it was repaired. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** End of the last whole record of an unfinished file; of a finished one its size. */
  get end(): number {
    return this.#end;
  }

  get size(): number {
    return fstatSync(this.#fd).size;
  }

  /** Time of the last write to the file, milliseconds since 1970. */
  get modifiedMs(): number {
    return fstatSync(this.#fd).mtimeMs;
  }

  /** Finds what was added to a file that is being written. */
  refresh(): void {
    if (this.#isFinished) return;
    const size = this.size;
    const finished = this.#readSummary(size);
    if (finished !== undefined) {
      this.#summary = finished;
      this.#isFinished = true;
      this.#end = size;
      return;
    }
    const { summary, end } = scan((position, length) => this.#read(position, length), size);
    this.#summary = summary;
    this.#end = end;
  }

  /** The channels of a topic; of all topics when it is left out. */
  channels(topic?: string): Channel[] {
    return [...this.#summary.channels.values()].filter(
      (channel) => topic === undefined || channel.topic === topic,
    );
  }

  /** All metadata records of a name, in the order of the file. */
  metadata(name: string): ReadonlyMap<string, string>[] {
    const places = this.#summary.metadata.filter((place) => place.name === name);
    return places.flatMap(({ offset, bytes }) => {
      const [record] = parse(this.#read(offset, bytes), this.path);
      return record?.type === 'Metadata' ? [record.metadata] : [];
    });
  }

  /** The records of a chunk. Throws FILE_CORRUPT with its defect. */
  records(chunk: ChunkPlace): Buffer {
    const cached = this.#cache.get(chunk.offset);
    if (cached !== undefined) return cached;
    const records = recordsOf((position, length) => this.#read(position, length), chunk);
    if (typeof records === 'string') throw corrupt(this.path, `${records}, at byte ${chunk.offset}`);
    this.#cache.set(chunk.offset, records);
    const [oldest] = this.#cache.keys();
    if (this.#cache.size > CACHED_CHUNKS && oldest !== undefined) this.#cache.delete(oldest);
    return records;
  }

  /**
   * Messages in the order of the file, which is the order in which they were recorded. Throws
   * FILE_CORRUPT at a damaged chunk.
   */
  *messages(filter: MessageFilter = {}): Generator<RecordedMessage> {
    const { channels, fromNs = 0, toNs = Infinity } = filter;
    for (const chunk of this.#summary.chunks) {
      if (chunk.endNs < fromNs || chunk.startNs > toNs || !hasChannel(chunk, channels)) continue;
      for (const message of this.#messagesIn(chunk)) {
        const { channel, timestampNs } = message;
        if (timestampNs < fromNs || timestampNs > toNs) continue;
        if (channels === undefined || channels.has(channel)) yield message;
      }
    }
  }

  /** The message of these channels with the latest time up to `atNs`, if there is one. */
  lastUpTo(channels: ReadonlySet<number>, atNs: number): RecordedMessage | undefined {
    let best: RecordedMessage | undefined;
    for (const chunk of this.#summary.chunks.toReversed()) {
      if (chunk.startNs > atNs || !hasChannel(chunk, channels)) continue;
      if (best !== undefined && chunk.endNs <= best.timestampNs) continue;
      for (const message of this.#messagesIn(chunk)) {
        if (!channels.has(message.channel) || message.timestampNs > atNs) continue;
        if (best === undefined || message.timestampNs >= best.timestampNs) best = message;
      }
    }
    return best;
  }

  close(): void {
    closeSync(this.#fd);
  }

  *#messagesIn(chunk: ChunkPlace): Generator<RecordedMessage> {
    try {
      for (const message of messagesOf(this.records(chunk))) {
        const of = this.#summary.channels.get(message.channel);
        if (of === undefined) throw new RangeError(`channel ${message.channel} is not defined`);
        yield { ...message, of };
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw corrupt(this.path, `${error.message}, in the chunk at byte ${chunk.offset}`);
    }
  }

  /** Undefined for an unfinished file. Throws FILE_CORRUPT for a damaged summary. */
  #readSummary(size: number): Summary | undefined {
    if (size < MAGIC.length + FOOTER_BYTES) return undefined;
    const footer = this.#read(size - FOOTER_BYTES, FOOTER_BYTES);
    if (footer[0] !== OPCODE.footer || !footer.subarray(-MAGIC.length).equals(MAGIC)) return undefined;
    const start = read64(footer, RECORD_HEAD_BYTES);
    const expected = footer.readUInt32LE(RECORD_HEAD_BYTES + 16);
    if (start < MAGIC.length || start > size - FOOTER_BYTES) return undefined;
    const bytes = this.#read(start, size - FOOTER_BYTES - start);
    const checked = Buffer.concat([bytes, footer.subarray(0, RECORD_HEAD_BYTES + 16)]);
    if (expected !== 0 && crc32(checked) !== expected)
      throw corrupt(this.path, 'the checksum of its summary is wrong');
    const summary = new Summary();
    for (const record of parse(bytes, this.path)) addRecord(summary, record);
    return summary;
  }

  #read(position: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      const read = readSync(this.#fd, bytes, done, length - done, position + done);
      if (read === 0) break;
      done += read;
    }
    return bytes.subarray(0, done);
  }
}

function hasChannel(chunk: ChunkPlace, channels: ReadonlySet<number> | undefined): boolean {
  if (channels === undefined || chunk.indexOffsets.size === 0) return true;
  for (const channel of chunk.indexOffsets.keys()) if (channels.has(channel)) return true;
  return false;
}

function addRecord(summary: Summary, record: McapTypes.TypedMcapRecord): void {
  if (record.type === 'Schema') summary.schemas.set(record.id, record);
  if (record.type === 'Channel') summary.channels.set(record.id, record);
  if (record.type === 'MetadataIndex') {
    const { name, offset, length } = record;
    summary.metadata.push({ name, offset: Number(offset), bytes: Number(length) });
  }
  if (record.type === 'Statistics')
    for (const [channel, count] of record.channelMessageCounts) summary.counts.set(channel, Number(count));
  if (record.type === 'ChunkIndex') {
    summary.chunks.push({
      offset: Number(record.chunkStartOffset),
      bytes: Number(record.chunkLength),
      startNs: Number(record.messageStartTime),
      endNs: Number(record.messageEndTime),
      compression: record.compression,
      compressedBytes: Number(record.compressedSize),
      uncompressedBytes: Number(record.uncompressedSize),
      indexOffsets: new Map([...record.messageIndexOffsets].map(([id, at]) => [id, Number(at)])),
      indexBytes: Number(record.messageIndexLength),
    });
  }
}

function parse(bytes: Buffer, path: string): McapTypes.TypedMcapRecord[] {
  const records: McapTypes.TypedMcapRecord[] = [];
  try {
    const reader = new McapStreamReader({ noMagicPrefix: true });
    reader.append(bytes);
    for (let record = reader.nextRecord(); record !== undefined; record = reader.nextRecord())
      records.push(record);
  } catch (error) {
    throw corrupt(path, describeError(error));
  }
  return records;
}

function openRecording(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const code = systemCode(error) === 'EACCES' ? 'NOT_PERMITTED' : 'BAD_OPTION';
    throw new MirrorflowError(code, `${path} cannot be opened: ${describeError(error)}`, { path }, error);
  }
}

export function corrupt(path: string, defect: string): MirrorflowError {
  return new MirrorflowError(
    'FILE_CORRUPT',
    `${path} is damaged: ${defect}. mirrorflow recordings verify shows what can be read`,
    { path },
  );
}
