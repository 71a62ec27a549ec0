/**
 * From bytes to frames, without any I/O: it says where the next bytes go (`nextBuffer`), is told
 * how many came (`took`), and calls its sink. Payloads of large buffers land in their place in the
 * flow file at once, with their header in front of them, in one read; small frames are read many at
 * a time and copied. Bytes that came otherwise are given to `feed`.
 *
 * | state   | event                                  | next    |
 * | ------- | -------------------------------------- | ------- |
 * | header  | 32 bytes, a frame with a payload       | payload |
 * | header  | 32 bytes, a frame that may not come yet | blocked |
 * | header  | 32 bytes that are impossible           | failed  |
 * | payload | its last byte                          | header  |
 * | blocked | resume(), and it may come              | payload |
 * | failed  | anything                               | failed: one sticky reason |
 */
import { crc32 } from 'node:zlib';
import { decodeHeader, emptyHeader, FRAME_BYTES, FrameBits, FrameKind, type FrameHeader } from './frame.js';

/**
 * From so many missing bytes on, a payload is read straight into its place; below, reading more
 * than one frame at once is cheaper.
 */
export const DIRECT_BYTES = 16 * 1024;
/** Bytes of one read of small frames. */
const STAGING_BYTES = 256 * 1024;
/** Bytes of the first read after a time in which none was possible. */
const SPARE_BYTES = 64 * 1024;

export interface FrameSink {
  /** Longest payload of a frame of this kind, bytes. */
  limitOf(kind: FrameKind): number;
  /** Whether this frame may come now: false while it may not, a text says why it never may. */
  admit(header: Readonly<FrameHeader>): boolean | string;
  /** Where the payload of this BUFFER, which was admitted, goes: at least `length` bytes. */
  place(header: Readonly<FrameHeader>): Buffer;
  /** Buffers are so large that each is worth reads of its own. */
  readonly large: boolean;
  /**
   * With `large`: the piece in which the next buffer's header (FRAME_BYTES) and, right behind it,
   * its payload would stand; undefined while it may not be written. Whatever stood there is given
   * up.
   */
  ahead(): Buffer | undefined;
  /**
   * A frame is complete. `payload` is the sink's own place for a BUFFER, and lent until the call
   * returns for others. Returns what is wrong with it.
   */
  frame(header: Readonly<FrameHeader>, payload: Buffer): string | undefined;
}

const NOTHING = Buffer.alloc(0);

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #header = emptyHeader();
  readonly #partial = Buffer.alloc(FRAME_BYTES);
  #partialFilled = 0;
  #staging: Buffer | undefined;
  /** Where the payload of the frame at hand goes; undefined between frames. */
  #target: Buffer | undefined;
  #filled = 0;
  /** Given out by `nextBuffer`: header and payload of the next buffer in their place. */
  #ahead: Buffer | undefined;
  #aheadFilled = 0;
  /** Whether the last read brought all that was asked for, so that there is probably more. */
  #busy = false;
  #given: Buffer = NOTHING;
  /** The last `nextBuffer` was part of the payload's place itself. */
  #direct = false;
  #spare: Buffer | undefined;
  /** Bytes that wait behind a buffer that has no place yet. */
  #held: Buffer | undefined;
  #problem: string | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Why nothing is read any more; undefined while all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** A frame has come that may not come yet: read no more until `resume` said true. */
  get blocked(): boolean {
    return this.#held !== undefined;
  }

  /**
   * Where the next bytes are to be read to. While blocked it is a place for what is read first
   * after that, since whoever reads asks for the place before he knows.
   */
  nextBuffer(): Buffer {
    this.#given = this.#choose();
    return this.#given;
  }

  /** The next bytes come into a place that was asked for before there was a reader. */
  adopt(given: Buffer): void {
    this.#given = given;
  }

  /**
   * So many bytes have come into the last `nextBuffer`. False when no more may come now: blocked,
   * or failed.
   */
  took(bytes: number): boolean {
    if (this.#problem !== undefined) return false;
    const given = this.#given;
    this.#busy = bytes === given.length;
    if (this.#ahead !== undefined) this.#tookAhead(this.#ahead, bytes);
    else if (this.#direct) this.#advance(bytes);
    else this.#parse(given.subarray(0, bytes));
    return this.#problem === undefined && !this.blocked;
  }

  /**
   * Takes bytes that came otherwise. False when no more may come now; what is left of them is kept.
   */
  feed(chunk: Buffer): boolean {
    if (this.#held === undefined) this.#parse(chunk);
    else this.#held = Buffer.concat([this.#held, chunk]);
    return this.#problem === undefined && !this.blocked;
  }

  /** Asks again for the frame that could not come. True when bytes may come again. */
  resume(): boolean {
    const held = this.#held;
    if (held === undefined || this.#problem !== undefined) return this.#problem === undefined;
    this.#held = undefined;
    if (this.#begin(held)) this.#parse(held);
    return this.#problem === undefined && !this.blocked;
  }

  #choose(): Buffer {
    this.#direct = false;
    if (this.blocked) {
      this.#spare ??= Buffer.allocUnsafeSlow(SPARE_BYTES);
      return this.#spare;
    }
    const target = this.#target;
    if (target !== undefined) {
      const left = this.#header.length - this.#filled;
      this.#direct = left >= DIRECT_BYTES || this.#sink.large;
      if (!this.#direct) return this.#stage(STAGING_BYTES);
      return left === target.length ? target : target.subarray(this.#filled, this.#header.length);
    }
    if (this.#ahead !== undefined)
      return this.#aheadFilled === 0 ? this.#ahead : this.#ahead.subarray(this.#aheadFilled);
    if (this.#partialFilled > 0 || !this.#sink.large) return this.#stage(STAGING_BYTES);
    // Unless more is to come, the slot stays its readers' until the header is there.
    this.#ahead = this.#busy ? this.#sink.ahead() : undefined;
    this.#aheadFilled = 0;
    return this.#ahead ?? this.#stage(FRAME_BYTES);
  }

  #stage(bytes: number): Buffer {
    this.#staging ??= Buffer.allocUnsafeSlow(STAGING_BYTES);
    return bytes === STAGING_BYTES ? this.#staging : this.#staging.subarray(0, bytes);
  }

  #tookAhead(ahead: Buffer, bytes: number): void {
    this.#aheadFilled += bytes;
    const filled = this.#aheadFilled;
    if (filled < FRAME_BYTES) return;
    this.#ahead = undefined;
    this.#problem = decodeHeader(ahead, 0, this.#header);
    if (this.#problem !== undefined) return;
    const { kind, length } = this.#header;
    const fits = kind === FrameKind.BUFFER && length <= ahead.length - FRAME_BYTES;
    const behind = FRAME_BYTES + length;
    // What is not the buffer that was expected must not stand in its place when it is looked for.
    const place =
      fits && this.#sink.admit(this.#header) === true ? this.#sink.place(this.#header) : undefined;
    if (place?.byteOffset !== ahead.byteOffset + FRAME_BYTES || place.buffer !== ahead.buffer) {
      this.#parse(Buffer.from(ahead.subarray(0, filled)));
      return;
    }
    const surplus = filled > behind ? Buffer.from(ahead.subarray(behind, filled)) : undefined;
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

  /** A header is there. False when its frame may not come: what came `behind` it is kept. */
  #begin(behind: Buffer): boolean {
    const { kind, length } = this.#header;
    if (length > this.#sink.limitOf(kind)) {
      this.#problem = `a frame of kind ${kind} claims ${length} bytes; at most ${this.#sink.limitOf(kind)} are allowed`;
      return false;
    }
    const admitted = this.#sink.admit(this.#header);
    if (admitted !== true) {
      if (admitted === false) this.#held = behind;
      else this.#problem = admitted;
      return false;
    }
    if (kind === FrameKind.BUFFER) this.#target = this.#sink.place(this.#header);
    else this.#target = length === 0 ? NOTHING : Buffer.allocUnsafeSlow(length);
    this.#filled = 0;
    if (length === 0) this.#advance(0);
    return true;
  }

  #advance(bytes: number): void {
    const target = this.#target ?? NOTHING;
    this.#filled += bytes;
    if (this.#filled < this.#header.length) return;
    this.#target = undefined;
    const payload = target.length === this.#header.length ? target : target.subarray(0, this.#header.length);
    this.#problem =
      (this.#header.bits & FrameBits.CRC) !== 0 && crc32(payload) !== this.#header.crc
        ? `the payload of sequence ${this.#header.sequence} does not have the checksum of its header`
        : this.#sink.frame(this.#header, payload);
  }
}
