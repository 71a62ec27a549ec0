/**
 * The wire codec of mirrors: encodes the blocks of a publication (a SpecTcl display memory) that a
 * receiver on another host lacks, deflated where that is smaller. Used by the sending and receiving
 * duplicator. Pure.
 *
 * Payload of a BLOCKS frame: `detail` ranges of u32 first block and u32 number of blocks, ascending
 * and not adjacent; then the bytes of these blocks, the last block up to the publication's size.
 * With bit DIFFERENCE the bytes are XORed with the receiver's bytes at the same place, so that
 * counting channels become mostly zeros; with bit DEFLATED the bytes (not the ranges) are a raw
 * deflate stream.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describeError } from '../../base/errors.js';
import { IMAGE_BLOCK_BYTES } from '../flow-file/image.js';
import { FrameBits } from './frame.js';

/** Largest number of blocks of one frame, which is encoded and decoded at once. */
export const BLOCKS_PER_FRAME = 64;
/** First block and number of blocks of a range, u32 each. */
const RANGE_BYTES = 8;
/** zlib asks for another chunk when the last one is full; at least 64. */
const CHUNK_MARGIN_BYTES = 64;
/** Longest payload of a BLOCKS frame: one range per block, not deflated. */
export const BLOCKS_PAYLOAD_BYTES = BLOCKS_PER_FRAME * (IMAGE_BLOCK_BYTES + RANGE_BYTES);

export interface EncodedBlocks {
  readonly payload: Buffer;
  readonly ranges: number;
  readonly bits: number;
}

/** A run of bytes [start, end) of a memory. */
export type ByteRange = readonly [start: number, end: number];

/**
 * @param memory the publication; its first `size` bytes are valid
 * @param blocks 1 to BLOCKS_PER_FRAME indices, ascending, each of a block that begins below `size`
 * @param base the receiver's memory in these blocks; undefined when the sender does not have it
 * @param level of zlib; recordings, which are encoded once in some seconds, have a higher one
 */
export function encodeBlocks(
  memory: Buffer,
  size: number,
  blocks: readonly number[],
  base?: Buffer,
  level: number = constants.Z_BEST_SPEED,
): EncodedBlocks {
  const ranges = rangesOf(blocks, size);
  const dataBytes = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const payload = Buffer.allocUnsafeSlow(ranges.length * RANGE_BYTES + dataBytes);
  let at = 0;
  for (const [start, end] of ranges) {
    payload.writeUInt32LE(start / IMAGE_BLOCK_BYTES, at);
    payload.writeUInt32LE(Math.ceil((end - start) / IMAGE_BLOCK_BYTES), at + 4);
    at += RANGE_BYTES;
  }
  const head = payload.subarray(0, at);
  const data = payload.subarray(at);
  for (const [start, end] of ranges) {
    memory.copy(payload, at, start, end);
    if (base !== undefined) xorInto(payload.subarray(at, at + end - start), base.subarray(start, end));
    at += end - start;
  }
  const bits = base === undefined ? 0 : FrameBits.DIFFERENCE;
  const deflated = deflateRawSync(data, { level });
  if (deflated.length >= data.length) return { payload, ranges: ranges.length, bits };
  return {
    payload: Buffer.concat([head, deflated]),
    ranges: ranges.length,
    bits: bits | FrameBits.DEFLATED,
  };
}

/**
 * Decodes the payload of a BLOCKS frame into `memory`. Returns the changed ranges; or, for an
 * invalid frame, the defect as a text, and changes nothing.
 */
export function applyBlocks(
  payload: Buffer,
  count: number,
  bits: number,
  size: number,
  memory: Buffer,
): readonly ByteRange[] | string {
  if (size > memory.length)
    return `blocks belong to a memory of ${size} bytes; the receiver has room for ${memory.length}`;
  const ranges = readRanges(payload, count, size);
  if (typeof ranges === 'string') return ranges;
  const dataBytes = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const encoded = payload.subarray(count * RANGE_BYTES);
  const data = (bits & FrameBits.DEFLATED) === 0 ? encoded : inflated(encoded, dataBytes);
  if (typeof data === 'string') return data;
  if (data.length !== dataBytes) return `blocks have ${data.length} bytes; their ranges need ${dataBytes}`;
  let at = 0;
  for (const [start, end] of ranges) {
    const piece = data.subarray(at, at + end - start);
    if ((bits & FrameBits.DIFFERENCE) === 0) piece.copy(memory, start);
    else xorInto(memory.subarray(start, end), piece);
    at += end - start;
  }
  return ranges;
}

/** Number of blocks of an encoded payload with `count` ranges. */
export function blocksOf(payload: Buffer, count: number): number {
  let blocks = 0;
  for (let index = 0; index < count; index += 1) blocks += payload.readUInt32LE(index * RANGE_BYTES + 4);
  return blocks;
}

function rangesOf(blocks: readonly number[], size: number): ByteRange[] {
  const ranges: [number, number][] = [];
  for (const block of blocks) {
    const start = block * IMAGE_BLOCK_BYTES;
    const end = Math.min(start + IMAGE_BLOCK_BYTES, size);
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === start) last[1] = end;
    else ranges.push([start, end]);
  }
  return ranges;
}

function readRanges(payload: Buffer, count: number, size: number): ByteRange[] | string {
  if (count < 1 || count > BLOCKS_PER_FRAME || payload.length < count * RANGE_BYTES)
    return `blocks come in ${count} ranges in ${payload.length} bytes; 1 to ${BLOCKS_PER_FRAME} whole ranges are allowed`;
  const ranges: ByteRange[] = [];
  let previousEnd = 0;
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    const first = payload.readUInt32LE(index * RANGE_BYTES);
    const blocks = payload.readUInt32LE(index * RANGE_BYTES + 4);
    total += blocks;
    const start = first * IMAGE_BLOCK_BYTES;
    const end = (first + blocks - 1) * IMAGE_BLOCK_BYTES;
    if (blocks < 1 || total > BLOCKS_PER_FRAME || start < previousEnd || end >= size)
      return `blocks ${first} to ${first + blocks} exceed a memory of ${size} bytes or are not in ascending order`;
    ranges.push([start, Math.min(end + IMAGE_BLOCK_BYTES, size)]);
    previousEnd = end + IMAGE_BLOCK_BYTES;
  }
  return ranges;
}

function inflated(bytes: Buffer, expected: number): Buffer | string {
  try {
    // In one piece, which takes half as long as many that are joined.
    return inflateRawSync(bytes, {
      maxOutputLength: Math.max(1, expected),
      chunkSize: expected + CHUNK_MARGIN_BYTES,
    });
  } catch (thrown) {
    return `blocks cannot be inflated: ${describeError(thrown)}`;
  }
}

/**
 * Stores target XOR other in `target`, of the same length; in 32-bit words where both are aligned.
 */
function xorInto(target: Buffer, other: Buffer): void {
  const { length } = target;
  let at = 0;
  if (target.byteOffset % 4 === 0 && other.byteOffset % 4 === 0) {
    const words = length >>> 2;
    const targetWords = new Uint32Array(target.buffer, target.byteOffset, words);
    const otherWords = new Uint32Array(other.buffer, other.byteOffset, words);
    for (let word = 0; word < words; word += 1)
      targetWords[word] = (targetWords[word] ?? 0) ^ (otherWords[word] ?? 0);
    at = words * 4;
  }
  for (; at < length; at += 1) target[at] = (target[at] ?? 0) ^ (other[at] ?? 0);
}
