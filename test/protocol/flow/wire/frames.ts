/**
 * Random frames of the wire between hosts, and a sink that records the frames that it gets. Used by
 * the tests and fuzz targets of the wire. Pure.
 */
import { crc32 } from 'node:zlib';
import type { RandomBits } from '../../../../simulator/random.js';
import {
  FRAME_BYTES,
  FrameBits,
  FrameKind,
  encodeHeader,
  type FrameHeader,
} from '../../../../protocol/flow/wire/frame.js';
import { FrameReader, type FrameSink, type LinkReader } from '../../../../protocol/flow/wire/frame-reader.js';

export const CAPACITY = 40_000;

/** A frame as it was sent; the payload as in SlotSink. */
export interface SentFrame {
  readonly header: FrameHeader;
  readonly payload: string;
  readonly bytes: Buffer;
}

/** A stream of valid frames: buffers of ascending sequence among control frames. */
export function randomFrames(random: RandomBits): Buffer {
  return Buffer.concat(sentFrames(random).map(({ bytes }) => bytes));
}

/** Such a stream, frame by frame. */
export function randomFrameList(random: RandomBits): readonly Buffer[] {
  return sentFrames(random).map(({ bytes }) => bytes);
}

/** The frames of such a stream with their headers and payloads. */
export function sentFrames(random: RandomBits): SentFrame[] {
  const frames: SentFrame[] = [];
  let sequence = random() % 5;
  for (let count = 1 + (random() % 8); count > 0; count -= 1) {
    const isBuffer = random() % 3 > 0;
    const sizes = [0, 5, 900, 20_000, CAPACITY];
    const length = isBuffer ? (sizes[random() % sizes.length] ?? 0) : 0;
    const bytes = Buffer.alloc(FRAME_BYTES + length, sequence + 1);
    for (let at = FRAME_BYTES; at < bytes.length; at += 61) bytes[at] = at % 251;
    const checked = random() % 4 === 0;
    const header = {
      length,
      kind: isBuffer ? FrameKind.BUFFER : FrameKind.STATE,
      bits: checked ? FrameBits.CRC : 0,
      sequence: isBuffer ? sequence : 0,
      value: 1_700_000_000_000_000_000 + sequence * 256,
      detail: random() % 0xffff,
      crc: checked ? crc32(bytes.subarray(FRAME_BYTES)) : 0,
    };
    encodeHeader(bytes, 0, header);
    frames.push({ header, payload: bytes.toString('latin1', FRAME_BYTES), bytes });
    if (isBuffer) sequence += 1 + (random() % 7 === 0 ? random() % 9 : 0);
  }
  return frames;
}

/** Slots for a sink, filled with `fill`. */
export function newSlots(fill = 0): readonly Buffer[] {
  return Array.from({ length: 4 }, () => Buffer.alloc(FRAME_BYTES + CAPACITY, fill));
}

/** Slots like those of a flow file, each with room for a header in front of its payload. */
export class SlotSink implements FrameSink {
  readonly frames: { readonly header: FrameHeader; readonly payload: string }[] = [];
  readonly #slots: readonly Buffer[];
  #lastLength = 0;
  #next = 0;
  /** One of so many buffers is not admitted at the first request; 0: none. */
  readonly #refuseEvery: number;
  #refused = -1;

  /** `slots`: the next sink may reuse them, since frames keep copies of their payloads. */
  constructor(refuseEvery = 0, slots = newSlots()) {
    this.#refuseEvery = refuseEvery;
    this.#slots = slots;
  }

  /** The sequence that is expected next. */
  get next(): number {
    return this.#next;
  }

  get large(): boolean {
    return this.#lastLength >= 16 * 1024;
  }

  limitOf(kind: FrameKind): number {
    return kind === FrameKind.BUFFER ? CAPACITY : 8;
  }

  admit({ kind, sequence }: Readonly<FrameHeader>): boolean | string {
    if (kind !== FrameKind.BUFFER) return true;
    if (sequence < this.#next) return 'the sequence is lower than the previous one';
    const refused = this.#refuseEvery > 0 && sequence % this.#refuseEvery === 0 && this.#refused !== sequence;
    if (refused) this.#refused = sequence;
    return !refused;
  }

  place({ sequence }: Readonly<FrameHeader>): Buffer {
    return this.#slot(sequence).subarray(FRAME_BYTES);
  }

  expects({ kind, sequence }: Readonly<FrameHeader>): boolean {
    return kind === FrameKind.BUFFER && sequence === this.#next;
  }

  reserveNext(): Buffer {
    return this.#slot(this.#next).subarray(0, FRAME_BYTES + this.#lastLength);
  }

  frame(header: Readonly<FrameHeader>, payload: Buffer): undefined {
    this.frames.push({ header: { ...header }, payload: payload.toString('latin1') });
    if (header.kind !== FrameKind.BUFFER) return;
    this.#next = header.sequence + 1;
    this.#lastLength = header.length;
  }

  #slot(sequence: number): Buffer {
    return this.#slots[sequence % this.#slots.length] ?? Buffer.alloc(0);
  }
}

/** Reads the bytes like a socket: into the reader's buffers, at most `most` at a time. */
export function readDirectly(
  bytes: Buffer,
  sink: FrameSink,
  most: () => number,
  reader: LinkReader = new FrameReader(sink),
): string | undefined {
  for (let at = 0; at < bytes.length && reader.problem === undefined;) {
    const buffer = reader.nextBuffer();
    const received = bytes.copy(buffer, 0, at, Math.min(bytes.length, at + Math.max(1, most())));
    at += received;
    reader.received(received);
    if (!reader.blocked) continue;
    // Sockets ask for the next buffer while the reader is blocked.
    const spare = reader.nextBuffer();
    while (reader.blocked && reader.problem === undefined) reader.resume();
    const next = bytes.copy(spare, 0, at, Math.min(bytes.length, at + Math.max(1, most())));
    at += next;
    if (next > 0) reader.received(next);
    while (reader.blocked && reader.problem === undefined) reader.resume();
  }
  return reader.problem;
}

/** Feeds the bytes in pieces. */
export function readFed(
  pieces: readonly Buffer[],
  sink: FrameSink,
  reader: LinkReader = new FrameReader(sink),
): string | undefined {
  for (const piece of pieces) {
    reader.feed(Buffer.from(piece));
    while (reader.blocked && reader.problem === undefined) reader.resume();
  }
  return reader.problem;
}
