/**
 * Decodes the frames (frame.ts) that a duplicator receives from another host's. Without I/O: the
 * caller reads the socket into `nextBuffer` and reports the number of bytes with `received`; the
 * frames go to a sink. Bytes that arrive in other buffers are passed to `feed`.
 *
 * The payload of a large buffer is read with its header straight into its slot of the flow file;
 * small frames are read many at a time and copied.
 *
 * | state   | event                                            | next                  |
 * | ------- | ------------------------------------------------ | --------------------- |
 * | header  | 32 bytes of a frame that the sink admits         | payload               |
 * | header  | 32 bytes of a frame that the sink does not admit yet | blocked           |
 * | header  | 32 invalid bytes                                 | failed                |
 * | payload | its last byte                                    | header                |
 * | blocked | resume(), and the sink admits the frame          | payload               |
 * | failed  | any                                              | failed, same reason   |
 */
import { crc32 } from 'node:zlib';
import { decodeHeader, emptyHeader, FRAME_BYTES, FrameBits, FrameKind, type FrameHeader } from './frame.js';

/**
 * Smallest number of missing payload bytes that are read straight into the payload's place: for
 * fewer, reading several frames at once is cheaper.
 */
export const DIRECT_BYTES = 16 * 1024;
/** Bytes of one read of small frames. */
const STAGING_BYTES = 256 * 1024;
/** Bytes of the first read after the reader was blocked. */
const SPARE_BYTES = 64 * 1024;

/** Receives the frames, and owns the memory of BUFFER payloads. */
export interface FrameSink {
  /** Longest payload of a frame of this kind, bytes. */
  limitOf(kind: FrameKind): number;
  /** Whether the frame is the next buffer in turn: its payload may be received in its place. */
  expects(header: Readonly<FrameHeader>): boolean;
  /** Whether the frame may follow now; false: not yet; a text: never, with the reason. */
  admit(header: Readonly<FrameHeader>): boolean | string;
  /** The place for the payload of an admitted BUFFER: at least `length` bytes. */
  place(header: Readonly<FrameHeader>): Buffer;
  /** Whether buffers are large enough for a read of their own each. */
  readonly large: boolean;
  /**
   * With `large`: the place for the header (FRAME_BYTES) and, behind it, the payload of the next
   * buffer; undefined while it may not be written. Previous content of the place is lost.
   */
  reserveNext(): Buffer | undefined;
  /**
   * Handles a complete frame. `payload`: of a BUFFER, the sink's own place; of other kinds,
   * borrowed until the call returns. Returns the defect of an invalid frame.
   */
  frame(header: Readonly<FrameHeader>, payload: Buffer): string | undefined;
}

const EMPTY = Buffer.alloc(0);

/** What reads the frames of a link: FrameReader, or SealedFrameReader where they have MACs. */
export interface LinkReader {
  /** The reason why decoding stopped; undefined before. */
  readonly problem: string | undefined;
  /** Whether a frame waits for admission: read no more until `resume` returns true. */
  readonly blocked: boolean;
  /**
   * The buffer for the next read. While blocked, a spare buffer for the first read afterwards: the
   * socket asks for a buffer before it reads.
   */
  nextBuffer(): Buffer;
  /** Uses a buffer that the socket got before this reader existed. */
  adoptBuffer(buffer: Buffer): void;
  /**
   * `bytes` were read into the last `nextBuffer`. False when no more may be read: blocked or
   * failed.
   */
  received(bytes: number): boolean;
  feed(chunk: Buffer): boolean;
  /** Asks the sink again to admit the blocked frame. True when reading may continue. */
  resume(): boolean;
}

export class FrameReader implements LinkReader {
  readonly #sink: FrameSink;
  readonly #header = emptyHeader();
  readonly #partial = Buffer.alloc(FRAME_BYTES);
  #partialFilled = 0;
  #staging: Buffer | undefined;
  /** The place for the payload of the current frame; undefined between frames. */
  #target: Buffer | undefined;
  #filled = 0;
  /** The sink's place for the next header and payload, when `nextBuffer` returned it. */
  #ahead: Buffer | undefined;
  #aheadFilled = 0;
  /** Whether the last read filled its buffer, so that more bytes are probably waiting. */
  #lastReadWasFull = false;
  #readBuffer: Buffer = EMPTY;
  /** Whether the last `nextBuffer` was part of `#target`. */
  #isDirect = false;
  #spare: Buffer | undefined;
  /** Bytes behind the header of a frame that was not admitted yet. */
  #blockedBytes: Buffer | undefined;
  #problem: string | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  get blocked(): boolean {
    return this.#blockedBytes !== undefined;
  }

  nextBuffer(): Buffer {
    this.#readBuffer = this.#choose();
    return this.#readBuffer;
  }

  adoptBuffer(buffer: Buffer): void {
    this.#readBuffer = buffer;
  }

  received(bytes: number): boolean {
    if (this.#problem !== undefined) return false;
    const buffer = this.#readBuffer;
    this.#lastReadWasFull = bytes === buffer.length;
    if (this.#ahead !== undefined) this.#receivedAhead(this.#ahead, bytes);
    else if (this.#isDirect) this.#advance(bytes);
    else this.#parse(buffer.subarray(0, bytes));
    return this.#problem === undefined && !this.blocked;
  }

  feed(chunk: Buffer): boolean {
    if (this.#blockedBytes === undefined) this.#parse(chunk);
    else this.#blockedBytes = Buffer.concat([this.#blockedBytes, chunk]);
    return this.#problem === undefined && !this.blocked;
  }

  resume(): boolean {
    const bytes = this.#blockedBytes;
    if (bytes === undefined || this.#problem !== undefined) return this.#problem === undefined;
    this.#blockedBytes = undefined;
    if (this.#begin(bytes)) this.#parse(bytes);
    return this.#problem === undefined && !this.blocked;
  }

  /** Whether the bytes so far end with a whole frame. */
  get isBetweenFrames(): boolean {
    return this.#target === undefined && this.#partialFilled === 0 && !this.blocked;
  }

  /** Handles a frame whose payload was received in its place, between the frames of `feed`. */
  accept(header: Readonly<FrameHeader>, payload: Buffer): void {
    if (this.#problem === undefined)
      this.#problem = defectOf(header, payload) ?? this.#sink.frame(header, payload);
  }

  #choose(): Buffer {
    this.#isDirect = false;
    if (this.blocked) {
      this.#spare ??= Buffer.allocUnsafeSlow(SPARE_BYTES);
      return this.#spare;
    }
    const target = this.#target;
    if (target !== undefined) {
      const left = this.#header.length - this.#filled;
      this.#isDirect = left >= DIRECT_BYTES || this.#sink.large;
      if (!this.#isDirect) return this.#stage(STAGING_BYTES);
      return left === target.length ? target : target.subarray(this.#filled, this.#header.length);
    }
    if (this.#ahead !== undefined)
      return this.#aheadFilled === 0 ? this.#ahead : this.#ahead.subarray(this.#aheadFilled);
    if (this.#partialFilled > 0 || !this.#sink.large) return this.#stage(STAGING_BYTES);
    // While no more bytes are expected, readers keep the slot until the next header is read.
    this.#ahead = this.#lastReadWasFull ? this.#sink.reserveNext() : undefined;
    this.#aheadFilled = 0;
    return this.#ahead ?? this.#stage(FRAME_BYTES);
  }

  #stage(bytes: number): Buffer {
    this.#staging ??= Buffer.allocUnsafeSlow(STAGING_BYTES);
    return bytes === STAGING_BYTES ? this.#staging : this.#staging.subarray(0, bytes);
  }

  #receivedAhead(ahead: Buffer, bytes: number): void {
    this.#aheadFilled += bytes;
    const filled = this.#aheadFilled;
    if (filled < FRAME_BYTES) return;
    this.#ahead = undefined;
    this.#problem = decodeHeader(ahead, 0, this.#header);
    if (this.#problem !== undefined) return;
    const { kind, length } = this.#header;
    const fits = kind === FrameKind.BUFFER && length <= ahead.length - FRAME_BYTES;
    const frameEnd = FRAME_BYTES + length;
    // Bytes of any other frame must leave the place before its readers can see them.
    const place =
      fits && this.#sink.admit(this.#header) === true ? this.#sink.place(this.#header) : undefined;
    if (place?.byteOffset !== ahead.byteOffset + FRAME_BYTES || place.buffer !== ahead.buffer) {
      this.#parse(Buffer.from(ahead.subarray(0, filled)));
      return;
    }
    const surplus = filled > frameEnd ? Buffer.from(ahead.subarray(frameEnd, filled)) : undefined;
    this.#target = place;
    this.#filled = 0;
    this.#advance(Math.min(filled - FRAME_BYTES, length));
    if (surplus !== undefined) this.#parse(surplus);
  }

  #parse(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.#problem === undefined) {
      const target = this.#target;
      if (target !== undefined) {
        const bytes = Math.min(this.#header.length - this.#filled, chunk.length - at);
        chunk.copy(target, this.#filled, at, at + bytes);
        at += bytes;
        this.#advance(bytes);
        continue;
      }
      if (this.#partialFilled === 0 && chunk.length - at >= FRAME_BYTES) {
        this.#problem = decodeHeader(chunk, at, this.#header);
        at += FRAME_BYTES;
      } else {
        const bytes = Math.min(FRAME_BYTES - this.#partialFilled, chunk.length - at);
        chunk.copy(this.#partial, this.#partialFilled, at, at + bytes);
        at += bytes;
        this.#partialFilled += bytes;
        if (this.#partialFilled < FRAME_BYTES) return;
        this.#partialFilled = 0;
        this.#problem = decodeHeader(this.#partial, 0, this.#header);
      }
      if (this.#problem === undefined && !this.#begin(chunk.subarray(at))) return;
    }
  }

  /**
   * Begins the frame of `#header`. False when it is not admitted; keeps `rest`, the bytes behind
   * it.
   */
  #begin(rest: Buffer): boolean {
    const { kind, length } = this.#header;
    if (length > this.#sink.limitOf(kind)) {
      this.#problem = `a frame of kind ${kind} claims ${length} bytes; at most ${this.#sink.limitOf(kind)} are allowed`;
      return false;
    }
    const admitted = this.#sink.admit(this.#header);
    if (admitted !== true) {
      if (admitted === false) this.#blockedBytes = rest;
      else this.#problem = admitted;
      return false;
    }
    if (kind === FrameKind.BUFFER) this.#target = this.#sink.place(this.#header);
    else this.#target = length === 0 ? EMPTY : Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
    if (length === 0) this.#advance(0);
    return true;
  }

  #advance(bytes: number): void {
    const target = this.#target ?? EMPTY;
    this.#filled += bytes;
    if (this.#filled < this.#header.length) return;
    this.#target = undefined;
    const payload = target.length === this.#header.length ? target : target.subarray(0, this.#header.length);
    this.#problem = defectOf(this.#header, payload) ?? this.#sink.frame(this.#header, payload);
  }
}

function defectOf({ bits, crc, sequence }: Readonly<FrameHeader>, payload: Buffer): string | undefined {
  if ((bits & FrameBits.CRC) === 0 || crc32(payload) === crc) return undefined;
  return `the payload of sequence ${sequence} does not have the checksum of its header`;
}
