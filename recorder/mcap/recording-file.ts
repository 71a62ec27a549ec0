/**
 * Writes one MCAP file: chunks with checksums and message indexes, written while the next chunk is
 * filled, and a summary at the end. Called by recordings and their tests. Creates one file, writes
 * it, and never overwrites another. The file gets its name when it has its header and its first
 * metadata, so that no reader ever finds less; until then it is `NAME.new`.
 *
 * Until `close` the file has no summary; readers then go from record to record, so it is readable
 * up to its last whole chunk at any time. A failed write ends the file: what was written in part is
 * cut off, and every later call throws the same error.
 */
import { link, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { McapRecordBuilder } from '@mcap/core';
import { MirrorflowError, describeError, systemCode } from '../../protocol/base/errors.js';
import { Chunk, type Compression } from './chunk.js';
import { MESSAGE_OVERHEAD_BYTES } from './layout.js';
import { Summary, takeBytes, type Channel, type Schema } from './summary.js';

export interface RecordingFileOptions {
  /** Program that writes the file, for the header. */
  readonly library: string;
  /** Bytes of records after which a chunk is written. Default 4 MiB. */
  readonly chunkBytes?: number;
  readonly compression?: Compression | undefined;
  /** Metadata that the file has from its beginning, by the names of their records. */
  readonly metadata?: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** The file's profile, which names how its channels are to be read. */
export const PROFILE = 'mirrorflow';

const DEFAULT_CHUNK_BYTES = 4 * 2 ** 20;
/** Number of chunks in memory: one is filled while the others are written. */
const CHUNKS = 3;
const FILE_MODE = 0o640;
/** Of a file without its header and first metadata. */
export const UNNAMED_SUFFIX = '.new';
/** What `link` answers on file systems without hard links. */
const NO_LINKS = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS']);
/** Most channels of a file: their numbers have 16 bits. */
export const CHANNELS_MAX = 2 ** 16;

export class RecordingFile {
  readonly path: string;
  readonly summary = new Summary();
  readonly #file: FileHandle;
  readonly #options: RecordingFileOptions;
  readonly #chunkBytes: number;
  readonly #builder = new McapRecordBuilder();
  readonly #free: Chunk[];
  #chunk: Chunk;
  /** Position of the next record, bytes from the start of the file. */
  #position = 0;
  /** End of the last record that was written wholly. */
  #written = 0;
  /** The writes so far, one after the other. Never rejects. */
  #writes: Promise<void> = Promise.resolve();
  #failure: MirrorflowError | undefined;
  #freed: (() => void)[] = [];
  #closing: Promise<void> | undefined;

  /** Throws NO_SPACE, NOT_PERMITTED or SYSTEM_ERROR; an existing file is never overwritten. */
  static async create(path: string, options: RecordingFileOptions): Promise<RecordingFile> {
    const unnamed = path + UNNAMED_SUFFIX;
    try {
      const file = await open(unnamed, 'wx', FILE_MODE);
      try {
        const recording = new RecordingFile(path, file, options);
        await recording.#begin();
        await giveName(unnamed, path);
        return recording;
      } catch (error) {
        await file.close();
        throw error;
      } finally {
        await rm(unnamed, { force: true });
      }
    } catch (error) {
      throw writeFailure(path, error);
    }
  }

  private constructor(path: string, file: FileHandle, options: RecordingFileOptions) {
    this.path = path;
    this.#file = file;
    this.#options = options;
    this.#chunkBytes = options.chunkBytes ?? DEFAULT_CHUNK_BYTES;
    this.#chunk = new Chunk(this.#chunkBytes);
    this.#free = Array.from({ length: CHUNKS - 1 }, () => new Chunk(this.#chunkBytes));
  }

  async #begin(): Promise<void> {
    const { library, metadata = [] } = this.#options;
    this.#builder.writeMagic();
    this.#builder.writeHeader({ profile: PROFILE, library });
    this.#enqueue([takeBytes(this.#builder)]);
    for (const [name, values] of metadata) this.addMetadata(name, values);
    await this.#writes;
    this.#throwFailure();
  }

  /** Bytes of the file so far, those that are not written yet included. */
  get bytes(): number {
    return this.#position + this.#chunk.bytes;
  }

  get failure(): MirrorflowError | undefined {
    return this.#failure;
  }

  addSchema(schema: Omit<Schema, 'id'>): number {
    const id = this.summary.schemas.size + 1;
    const whole = { ...schema, id };
    this.#builder.writeSchema(whole);
    this.summary.schemas.set(id, whole);
    this.#enqueue([takeBytes(this.#builder)]);
    return id;
  }

  /** Throws LIMIT_REACHED when the file has 65,536 channels. */
  addChannel(channel: Omit<Channel, 'id'>): number {
    const id = this.summary.channels.size;
    if (id >= CHANNELS_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', `${this.path} has ${CHANNELS_MAX} channels, the most`, {
        path: this.path,
      });
    }
    const whole = { ...channel, id };
    this.#builder.writeChannel(whole);
    this.summary.channels.set(id, whole);
    this.#enqueue([takeBytes(this.#builder)]);
    return id;
  }

  addMetadata(name: string, metadata: ReadonlyMap<string, string>): void {
    this.#builder.writeMetadata({ name, metadata: new Map(metadata) });
    const bytes = takeBytes(this.#builder);
    this.summary.metadata.push({ name, offset: this.#position, bytes: bytes.length });
    this.#enqueue([bytes]);
  }

  /** Messages of up to `size` bytes that can be appended before the next chunk is needed. */
  roomFor(size: number): number {
    return Math.floor(this.#chunk.room / (MESSAGE_OVERHEAD_BYTES + size));
  }

  /**
   * Copies a message into the present chunk. False when it does not fit and every other chunk is
   * still being written: wait for `ready` then. Throws the failure of the file.
   */
  append(channel: number, sequence: number, timestampNs: number, data: Uint8Array): boolean {
    this.#throwFailure();
    const needed = MESSAGE_OVERHEAD_BYTES + data.length;
    if (this.#chunk.room < needed) {
      if (!this.#chunk.isEmpty && !this.#seal()) return false;
      this.#chunk.reserve(needed);
    }
    this.#chunk.append(channel, sequence, timestampNs, data);
    return true;
  }

  /** Resolves when `append` may succeed. Throws the failure of the file. */
  async ready(): Promise<void> {
    if (this.#free.length === 0 && this.#failure === undefined)
      await new Promise<void>((resolve) => this.#freed.push(resolve));
    this.#throwFailure();
  }

  /** Appends, waiting until it fits. */
  async write(channel: number, sequence: number, timestampNs: number, data: Uint8Array): Promise<void> {
    while (!this.append(channel, sequence, timestampNs, data)) await this.ready();
  }

  /** Writes what was appended and makes it durable. Throws the failure of the file. */
  async sync(): Promise<void> {
    while (!this.#chunk.isEmpty && !this.#seal()) await this.ready();
    await this.#writes;
    this.#throwFailure();
    try {
      await this.#file.datasync();
    } catch (error) {
      this.#fail(error);
    }
    this.#throwFailure();
  }

  /**
   * Writes the rest and the summary, and closes the file, also after a failure: then without a
   * summary. Throws the failure. Idempotent.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.sync();
      this.#enqueue([this.summary.encode(this.#position)]);
      await this.#writes;
      if (this.#failure === undefined) await this.#file.datasync();
    } catch (error) {
      this.#fail(error);
    } finally {
      await this.#file.close();
    }
    this.#throwFailure();
  }

  /** Begins to write the present chunk and takes a free one; false when none is free. */
  #seal(): boolean {
    const next = this.#free.pop();
    if (next === undefined) return false;
    const full = this.#chunk;
    const sealed = full.seal(this.#options.compression);
    const offset = this.#position;
    const indexAt = offset + sealed.chunkBytes;
    const { startNs, endNs, compression, compressedBytes, uncompressedBytes, indexBytes } = sealed;
    const indexOffsets = new Map([...sealed.indexOffsets].map(([id, at]) => [id, indexAt + at]));
    const place = { startNs, endNs, compression, compressedBytes, uncompressedBytes, indexBytes };
    this.summary.chunks.push({ offset, bytes: sealed.chunkBytes, indexOffsets, ...place });
    this.summary.addCounts(sealed.messageCounts);
    this.#enqueue(sealed.pieces, () => {
      full.clear();
      this.#free.push(full);
      this.#wake();
    });
    this.#chunk = next;
    return true;
  }

  /** Appends whole records to the file; `done` is called when they are written. */
  #enqueue(pieces: readonly Uint8Array[], done?: () => void): void {
    let at = this.#position;
    for (const piece of pieces) this.#position += piece.length;
    this.#writes = this.#writes.then(async () => {
      if (this.#failure !== undefined) return;
      try {
        for (const piece of pieces) {
          await this.#writeAt(piece, at);
          at += piece.length;
        }
        this.#written = at;
        done?.();
      } catch (error) {
        this.#fail(error);
        // Whatever was written of the record is no whole one.
        await this.#file.truncate(this.#written).catch(() => undefined);
      }
    });
  }

  async #writeAt(bytes: Uint8Array, at: number): Promise<void> {
    let done = 0;
    while (done < bytes.length)
      done += (await this.#file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }

  #fail(error: unknown): void {
    this.#failure ??= writeFailure(this.path, error);
    this.#wake();
  }

  #wake(): void {
    const waiting = this.#freed;
    this.#freed = [];
    for (const wake of waiting) wake();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

/** Throws the system's error EEXIST when there is a file of that name. */
async function giveName(unnamed: string, path: string): Promise<void> {
  try {
    await link(unnamed, path);
  } catch (error) {
    if (!NO_LINKS.has(systemCode(error) ?? '')) throw error;
    const exists = await stat(path).then(
      () => true,
      () => false,
    );
    if (exists) throw Object.assign(new Error(`EEXIST: file already exists, '${path}'`), { code: 'EEXIST' });
    await rename(unnamed, path);
  }
}

/** What a failed operation on a recording means to its user. */
export function writeFailure(path: string, error: unknown): MirrorflowError {
  if (error instanceof MirrorflowError) return error;
  const reason = describeError(error);
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new MirrorflowError(
        'NO_SPACE',
        `${path} cannot grow: ${reason}. Free space there, or record elsewhere with -o DIR`,
        { path },
        error,
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new MirrorflowError('NOT_PERMITTED', `${path} cannot be written: ${reason}`, { path }, error);
    default:
      return new MirrorflowError('SYSTEM_ERROR', `${path} cannot be written: ${reason}`, { path }, error);
  }
}
