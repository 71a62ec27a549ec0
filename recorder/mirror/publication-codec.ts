/**
 * Publications of a mirror (whole display memories) as the messages of a recording: key frames, and
 * deltas to the publication before, both in the blocks of the wire codec
 * (protocol/flow/wire/blocks.ts). Used by the recorder of mirrors and by whatever reads a
 * recording. Pure. docs/recording.md describes the same for programs in other languages.
 *
 * Little-endian; positions are bytes.
 *
 * ```
 *  0 ┌──────────────────────────────┬──────────────────────────────┐
 *    │ sequence u64                 │ sequence of the base u64     │
 * 16 ├───────────────┬──────────────┼───────────────┬──────────────┤
 *    │ size u32      │ crc32 u32    │ pieces u32    │ 0            │
 * 32 ├───────────────┴┬──────┬──────┴──┬────────────┴──────────────┤
 *    │ length u32     │ ranges u16  │ bits u16 │ payload, `length`  │  for each piece
 *    └────────────────┴─────────────┴──────────┴───────────────────┘
 * ```
 *
 * Size and crc32 are those of the whole display memory after the message. A key frame has the
 * blocks that are not all zero, and itself as its base; a delta has the blocks that changed.
 */
import { assertEqual } from '../../protocol/base/assert.js';
import { constants, crc32 } from 'node:zlib';
import { IMAGE_BLOCK_BYTES } from '../../protocol/flow/flow-file/image.js';
import { BLOCKS_PER_FRAME, applyBlocks, blocksOf, encodeBlocks } from '../../protocol/flow/wire/blocks.js';
import { FrameBits } from '../../protocol/flow/wire/frame.js';
import { read64, write64 } from '../mcap/layout.js';

const HEAD_BYTES = 32;
const PIECE_HEAD_BYTES = 8;
const AT = { sequence: 0, base: 8, size: 16, crc: 20, pieces: 24 } as const;
assertEqual(AT.pieces + 8, HEAD_BYTES);

/** Largest display memory: the largest file that can be mapped. */
const SIZE_MAX = 2 ** 31 - 1;
const ZEROS = Buffer.alloc(IMAGE_BLOCK_BYTES);

/** The publication that a delta refers to. */
export interface BasePublication {
  readonly sequence: number;
  readonly memory: Buffer;
}

/** How well blocks are deflated. */
export type Density = 'fast' | 'dense';
const LEVELS: Readonly<Record<Density, number>> = { fast: constants.Z_BEST_SPEED, dense: 6 };

/**
 * Encodes a publication: as a delta to `base`, which has the same size, or as a key frame.
 */
export function encodePublication(
  sequence: number,
  memory: Buffer,
  base?: BasePublication,
  density: Density = 'dense',
): Buffer {
  const blocks = base === undefined ? filledBlocks(memory) : changedBlocks(memory, base.memory);
  const parts: Buffer[] = [Buffer.alloc(HEAD_BYTES)];
  let pieces = 0;
  for (let at = 0; at < blocks.length; at += BLOCKS_PER_FRAME) {
    const some = blocks.slice(at, at + BLOCKS_PER_FRAME);
    const { payload, ranges, bits } = encodeBlocks(
      memory,
      memory.length,
      some,
      base?.memory,
      LEVELS[density],
    );
    const head = Buffer.allocUnsafe(PIECE_HEAD_BYTES);
    head.writeUInt32LE(payload.length, 0);
    head.writeUInt16LE(ranges, 4);
    head.writeUInt16LE(bits, 6);
    parts.push(head, payload);
    pieces += 1;
  }
  const [head] = parts as [Buffer];
  write64(head, sequence, AT.sequence);
  write64(head, base?.sequence ?? sequence, AT.base);
  head.writeUInt32LE(memory.length, AT.size);
  head.writeUInt32LE(crc32(memory), AT.crc);
  head.writeUInt32LE(pieces, AT.pieces);
  return Buffer.concat(parts);
}

/** Bytes of the blocks of a message, as they are when inflated. */
export function blockBytesOf(message: Buffer): number {
  let blocks = 0;
  let at = HEAD_BYTES;
  for (let pieces = message.readUInt32LE(AT.pieces); pieces > 0; pieces -= 1) {
    const payload = at + PIECE_HEAD_BYTES;
    blocks += blocksOf(message.subarray(payload), message.readUInt16LE(at + 4));
    at = payload + message.readUInt32LE(at);
  }
  return blocks * IMAGE_BLOCK_BYTES;
}

/** A display memory that is brought from publication to publication. */
export class DecodedPublication {
  #memory: Buffer = Buffer.alloc(0);
  #sequence: number | undefined;

  get memory(): Buffer {
    return this.#memory;
  }

  /** Undefined before the first key frame. */
  get sequence(): number | undefined {
    return this.#sequence;
  }

  /**
   * Applies a message. Returns undefined, or the defect as a text: then the memory is undefined
   * until the next key frame. The checksum is not compared: see `check`.
   */
  apply(message: Buffer): string | undefined {
    const defect = this.#apply(message);
    if (defect !== undefined) this.#sequence = undefined;
    return defect;
  }

  /** The defect when the memory is not the one that the message applied last states. */
  check(message: Buffer): string | undefined {
    if (crc32(this.#memory) === message.readUInt32LE(AT.crc)) return undefined;
    return `the checksum of publication ${this.#sequence} is wrong`;
  }

  #apply(message: Buffer): string | undefined {
    if (message.length < HEAD_BYTES) return 'a publication is too short';
    const sequence = read64(message, AT.sequence);
    const base = read64(message, AT.base);
    const size = message.readUInt32LE(AT.size);
    if (size > SIZE_MAX) return `a publication has ${size} bytes`;
    if (base === sequence) this.#begin(size);
    else if (this.#sequence !== base) return `publication ${sequence} needs ${base}, which is not there`;
    else if (size !== this.#memory.length) return `publication ${sequence} has another size than its base`;
    let at = HEAD_BYTES;
    for (let pieces = message.readUInt32LE(AT.pieces); pieces > 0; pieces -= 1) {
      if (at + PIECE_HEAD_BYTES > message.length) return 'a publication is cut';
      const end = at + PIECE_HEAD_BYTES + message.readUInt32LE(at);
      const [ranges, bits] = [message.readUInt16LE(at + 4), message.readUInt16LE(at + 6)];
      if (end > message.length) return 'a publication is cut';
      if ((bits & ~(FrameBits.DEFLATED | FrameBits.DIFFERENCE)) !== 0) return `a piece has the bits ${bits}`;
      const applied = applyBlocks(
        message.subarray(at + PIECE_HEAD_BYTES, end),
        ranges,
        bits,
        size,
        this.#memory,
      );
      if (typeof applied === 'string') return applied;
      at = end;
    }
    this.#sequence = sequence;
    return undefined;
  }

  #begin(size: number): void {
    if (this.#memory.length === size) this.#memory.fill(0);
    else this.#memory = Buffer.alloc(size);
  }
}

function filledBlocks(memory: Buffer): number[] {
  const blocks: number[] = [];
  for (let start = 0; start < memory.length; start += IMAGE_BLOCK_BYTES) {
    const end = Math.min(start + IMAGE_BLOCK_BYTES, memory.length);
    if (memory.compare(ZEROS, 0, end - start, start, end) !== 0) blocks.push(start / IMAGE_BLOCK_BYTES);
  }
  return blocks;
}

function changedBlocks(memory: Buffer, base: Buffer): number[] {
  const blocks: number[] = [];
  for (let start = 0; start < memory.length; start += IMAGE_BLOCK_BYTES) {
    const end = Math.min(start + IMAGE_BLOCK_BYTES, memory.length);
    if (memory.compare(base, start, end, start, end) !== 0) blocks.push(start / IMAGE_BLOCK_BYTES);
  }
  return blocks;
}
