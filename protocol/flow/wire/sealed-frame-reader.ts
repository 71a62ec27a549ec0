/**
 * Reads the frames of a link without TLS, which travel in records with a MAC
 * (rpc/security/records.ts). Of a record only its bounded length is used before its MAC holds, and
 * the header of a large buffer in front of it, to choose where its payload is received: in its
 * slot, when it is the next buffer in turn, else in memory. Nothing is published, counted or
 * skipped before. Used by UpstreamReceiver and DownstreamLink in place of a FrameReader. No I/O.
 *
 * | state   | event                                              | next                                |
 * | ------- | -------------------------------------------------- | ----------------------------------- |
 * | head    | the length, of a record that is not large          | content, in memory                  |
 * | head    | length and frame header of the next buffer         | content, in its slot                |
 * | head    | the same, and its slot is not free                 | blocked                             |
 * | content | its last byte                                      | mac                                 |
 * | mac     | the right MAC: the frames go to the sink           | head, or blocked by one of them     |
 * | mac     | any other                                          | failed                              |
 * | blocked | resume(), and the frame is admitted                | content, or head                    |
 * | failed  | any                                                | failed, same reason                 |
 */
import {
  CHANGED_RECORD,
  lengthProblem,
  MAC_BYTES,
  RECORD_HEAD_BYTES,
  type RecordVerifier,
} from '../../rpc/security/records.js';
import { decodeHeader, emptyHeader, FRAME_BYTES, FrameKind } from './frame.js';
import { DIRECT_BYTES, FrameReader, type FrameSink, type LinkReader } from './frame-reader.js';

/** Longest record of several frames, bytes of content. */
export const BATCH_RECORD_BYTES = 256 * 1024;
/** Bytes of one read of records that are not received in place. */
const STAGING_BYTES = 256 * 1024;
/** Bytes of the first read after the reader was blocked. */
const SPARE_BYTES = 64 * 1024;
/** Length and frame header. */
const LARGE_HEAD_BYTES = RECORD_HEAD_BYTES + FRAME_BYTES;

export class SealedFrameReader implements LinkReader {
  readonly #sink: FrameSink;
  readonly #verifier: RecordVerifier;
  readonly #frames: FrameReader;
  readonly #limitBytes: number;
  readonly #head = Buffer.alloc(LARGE_HEAD_BYTES);
  #headFilled = 0;
  readonly #mac = Buffer.alloc(MAC_BYTES);
  #macFilled = 0;
  readonly #header = emptyHeader();
  /** The place for the content behind `#head`; undefined between records. */
  #content: Buffer | undefined;
  #contentFilled = 0;
  /** `#content` is the payload's slot. */
  #inPlace = false;
  /** Memory for records that arrive in pieces, reused. */
  #memory: Buffer = Buffer.alloc(0);
  #staging: Buffer | undefined;
  #spare: Buffer | undefined;
  #readBuffer: Buffer = this.#memory;
  #isDirect = false;
  #wasLarge = false;
  /** Received bytes that wait while a frame is not admitted. */
  #waiting: Buffer | undefined;
  #problem: string | undefined;

  /** `limitBytes`: longest content of a record. */
  constructor(sink: FrameSink, verifier: RecordVerifier, limitBytes: number) {
    this.#sink = sink;
    this.#verifier = verifier;
    this.#limitBytes = limitBytes;
    this.#frames = new FrameReader(sink);
  }

  get problem(): string | undefined {
    return this.#problem ?? this.#frames.problem;
  }

  get blocked(): boolean {
    return this.#waiting !== undefined;
  }

  nextBuffer(): Buffer {
    this.#readBuffer = this.#choose();
    return this.#readBuffer;
  }

  adoptBuffer(buffer: Buffer): void {
    this.#readBuffer = buffer;
    this.#isDirect = false;
  }

  received(bytes: number): boolean {
    if (this.#isDirect) {
      this.#isDirect = false;
      this.#contentFilled += bytes;
      return this.#mayRead;
    }
    return this.feed(this.#readBuffer.subarray(0, bytes));
  }

  feed(chunk: Buffer): boolean {
    if (this.#waiting === undefined) this.#parse(chunk);
    else this.#waiting = Buffer.concat([this.#waiting, chunk]);
    return this.#mayRead;
  }

  resume(): boolean {
    const bytes = this.#waiting;
    if (bytes === undefined || this.problem !== undefined) return this.problem === undefined;
    if (this.#frames.blocked) {
      if (!this.#frames.resume()) return false;
      this.#checkEnd();
    }
    this.#waiting = undefined;
    // A record in place was blocked before its content.
    if (this.#headFilled === LARGE_HEAD_BYTES && this.#content === undefined && !this.#beginLarge(bytes))
      return this.#mayRead;
    this.#parse(bytes);
    return this.#mayRead;
  }

  get #mayRead(): boolean {
    return this.problem === undefined && !this.blocked;
  }

  #choose(): Buffer {
    this.#isDirect = false;
    if (this.blocked) {
      this.#spare ??= Buffer.allocUnsafeSlow(SPARE_BYTES);
      return this.#spare;
    }
    const content = this.#content;
    if (content !== undefined && this.#contentFilled < content.length) {
      const left = content.length - this.#contentFilled;
      this.#isDirect = this.#inPlace || this.#wasLarge || left >= DIRECT_BYTES;
      if (this.#isDirect) return content.subarray(this.#contentFilled);
    }
    this.#staging ??= Buffer.allocUnsafeSlow(STAGING_BYTES);
    if (!this.#wasLarge) return this.#staging;
    // Behind a large record: no more than is needed to find the place of the next one.
    const needed = content === undefined ? -this.#headFilled : MAC_BYTES - this.#macFilled;
    return this.#staging.subarray(0, LARGE_HEAD_BYTES + needed);
  }

  #parse(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && this.problem === undefined) {
      const content = this.#content;
      if (content === undefined) {
        at = this.#parseHead(chunk, at);
      } else if (this.#contentFilled < content.length) {
        const bytes = Math.min(content.length - this.#contentFilled, chunk.length - at);
        chunk.copy(content, this.#contentFilled, at, at + bytes);
        this.#contentFilled += bytes;
        at += bytes;
      } else {
        const bytes = Math.min(MAC_BYTES - this.#macFilled, chunk.length - at);
        chunk.copy(this.#mac, this.#macFilled, at, at + bytes);
        this.#macFilled += bytes;
        at += bytes;
        if (this.#macFilled === MAC_BYTES) this.#complete(content);
      }
      if (this.blocked || this.#frames.blocked) {
        this.#waiting = chunk.subarray(at);
        return;
      }
    }
  }

  /** Returns the offset of the first byte that is not used yet. */
  #parseHead(chunk: Buffer, start: number): number {
    const whole = this.#headFilled === 0 ? this.#parseWhole(chunk, start) : undefined;
    if (whole !== undefined) return whole;
    const wanted = this.#headFilled < RECORD_HEAD_BYTES ? RECORD_HEAD_BYTES : LARGE_HEAD_BYTES;
    const end = Math.min(chunk.length, start + wanted - this.#headFilled);
    chunk.copy(this.#head, this.#headFilled, start, end);
    this.#headFilled += end - start;
    if (this.#headFilled < wanted) return end;
    const length = this.#head.readUInt32LE(0);
    if (wanted === LARGE_HEAD_BYTES) this.#beginLarge(chunk.subarray(end));
    else {
      this.#problem = lengthProblem(length, this.#limitBytes);
      if (this.#problem === undefined && !isLarge(length)) this.#beginContent(length);
    }
    return end;
  }

  /** Handles a record that is in the chunk as a whole, without a copy. Its end, or undefined. */
  #parseWhole(chunk: Buffer, start: number): number | undefined {
    if (chunk.length - start < RECORD_HEAD_BYTES) return undefined;
    const length = chunk.readUInt32LE(start);
    const at = start + RECORD_HEAD_BYTES;
    const end = at + length + MAC_BYTES;
    if (length > this.#limitBytes || isLarge(length) || end > chunk.length) return undefined;
    const content = chunk.subarray(at, at + length);
    this.#wasLarge = false;
    this.#open([content], chunk.subarray(start, at), chunk.subarray(at + length, end));
    if (this.#problem === undefined) this.#deliver(content);
    return end;
  }

  #beginContent(length: number): void {
    if (length > this.#memory.length) this.#memory = Buffer.allocUnsafeSlow(length);
    this.#content = this.#memory.subarray(0, length);
    this.#contentFilled = 0;
    this.#macFilled = 0;
    this.#inPlace = false;
    this.#wasLarge = false;
  }

  /** Chooses the place of a large record. False when it must wait; `rest` is kept then. */
  #beginLarge(rest: Buffer): boolean {
    const length = this.#head.readUInt32LE(0);
    const header = this.#header;
    const problem = decodeHeader(this.#head, RECORD_HEAD_BYTES, header);
    const isSingle = problem === undefined && header.length === length - FRAME_BYTES;
    const isNext = isSingle && header.length <= this.#sink.limitOf(header.kind) && this.#sink.expects(header);
    const admitted = isNext ? this.#sink.admit(header) : 'not in turn';
    if (admitted === false) {
      this.#waiting = rest;
      return false;
    }
    if (admitted === true) {
      this.#content = this.#sink.place(header).subarray(0, header.length);
      this.#contentFilled = 0;
      this.#macFilled = 0;
    } else {
      this.#beginContent(length);
      this.#head.copy(this.#memory, 0, RECORD_HEAD_BYTES);
      this.#contentFilled = FRAME_BYTES;
    }
    this.#inPlace = admitted === true;
    this.#wasLarge = true;
    return true;
  }

  #complete(content: Buffer): void {
    const head = this.#head.subarray(0, RECORD_HEAD_BYTES);
    const header = this.#head.subarray(RECORD_HEAD_BYTES);
    const inPlace = this.#inPlace;
    this.#content = undefined;
    this.#headFilled = 0;
    this.#open(inPlace ? [header, content] : [content], head, this.#mac);
    if (this.#problem !== undefined) return;
    if (inPlace) this.#frames.accept(this.#header, content);
    else this.#deliver(content);
  }

  #open(content: readonly Buffer[], head: Buffer, mac: Buffer): void {
    this.#problem = lengthProblem(head.readUInt32LE(0), this.#limitBytes);
    if (this.#problem === undefined && !this.#verifier.verify(head, content, mac))
      this.#problem = CHANGED_RECORD;
  }

  #deliver(content: Buffer): void {
    this.#frames.feed(content);
    if (!this.#frames.blocked) this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#frames.isBetweenFrames || this.#frames.problem !== undefined) return;
    this.#problem = 'a record ends within a frame';
  }
}

/** Whether a record of this length may hold one buffer that is received in place. */
function isLarge(length: number): boolean {
  return length >= FRAME_BYTES + DIRECT_BYTES;
}

/** Longest content of a record that a sender of frames for `sink` makes. */
export function recordLimit(sink: Pick<FrameSink, 'limitOf'>): number {
  const payload = Math.max(...Object.values(FrameKind).map((kind) => sink.limitOf(kind)));
  return Math.max(BATCH_RECORD_BYTES, FRAME_BYTES + payload);
}
