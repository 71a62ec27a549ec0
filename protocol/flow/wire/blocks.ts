/**
 * The wire codec of mirrors: the blocks of a display memory that the receiver does not have yet,
 * deflated where that is smaller. Pure.
 *
 * Payload of a BLOCKS frame: `detail` ranges of u32 first block, u32 blocks, ascending and apart;
 * then their bytes, one behind the other, the last block as far as the publication's size goes.
 * With the bit DIFFERENCE they are XORed with what the receiver has there, so that channels that
 * count up become mostly zeros; with DEFLATED the bytes (not the ranges) are a raw deflate stream.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { describeError } from '../../base/errors.js';
import { IMAGE_BLOCK_BYTES } from '../flow-file/image.js';
import { FrameBits } from './frame.js';

/** Most blocks of one frame: what is encoded, and decoded, in one go. */
export const BLOCKS_PER_FRAME = 64;
const RANGE_BYTES = 8;
/** Longest payload of a BLOCKS frame: every block a range of its own, nothing deflated. */
export const BLOCKS_PAYLOAD_BYTES = BLOCKS_PER_FRAME * (IMAGE_BLOCK_BYTES + RANGE_BYTES);

export interface EncodedBlocks {
  readonly payload: Buffer;
  readonly ranges: number;
  readonly bits: number;
}

/** A run of bytes [start, end) of a memory. */
export type ByteRange = readonly [start: number, end: number];

/**
 * @param memory the publication, `size` bytes of it
 * @param blocks indices, ascending, 1 to BLOCKS_PER_FRAME, each beginning below `size`
 * @param base what the receiver has in all these blocks; undefined when that is not known here
 */
export function encodeBlocks(
  memory: Buffer,
  size: number,
  blocks: readonly number[],
  base?: Buffer,
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
  const deflated = deflateRawSync(data, { level: constants.Z_BEST_SPEED });
  if (deflated.length >= data.length) return { payload, ranges: ranges.length, bits };
  return {
    payload: Buffer.concat([head, deflated]),
    ranges: ranges.length,
    bits: bits | FrameBits.DEFLATED,
  };
}

/**
 * Puts what a BLOCKS frame brought into `memory`. Returns the ranges it changed, or what is wrong
 * with the frame; nothing is changed then.
 */
export function applyBlocks(
  payload: Buffer,
  count: number,
  bits: number,
  size: number,
  memory: Buffer,
): readonly ByteRange[] | string {
  if (size > memory.length)
    return `blocks are of a memory of ${size} bytes; there is room for ${memory.length}`;
  const ranges = readRanges(payload, count, size);
  if (typeof ranges === 'string') return ranges;
  const dataBytes = ranges.reduce((sum, [start, end]) => sum + end - start, 0);
  const behind = payload.subarray(count * RANGE_BYTES);
  const data = (bits & FrameBits.DEFLATED) === 0 ? behind : inflated(behind, dataBytes);
  if (typeof data === 'string') return data;
  if (data.length !== dataBytes) return `blocks have ${data.length} bytes; their ranges say ${dataBytes}`;
  let at = 0;
  for (const [start, end] of ranges) {
    const piece = data.subarray(at, at + end - start);
    if ((bits & FrameBits.DIFFERENCE) === 0) piece.copy(memory, start);
    else xorInto(memory.subarray(start, end), piece);
    at += end - start;
  }
  return ranges;
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
    return `blocks come in ${count} ranges; 1 to ${BLOCKS_PER_FRAME} that are there are allowed`;
  const ranges: ByteRange[] = [];
  let reached = 0;
  let total = 0;
  for (let index = 0; index < count; index += 1) {
    const first = payload.readUInt32LE(index * RANGE_BYTES);
    const blocks = payload.readUInt32LE(index * RANGE_BYTES + 4);
    total += blocks;
    const start = first * IMAGE_BLOCK_BYTES;
    const end = (first + blocks - 1) * IMAGE_BLOCK_BYTES;
    if (blocks < 1 || total > BLOCKS_PER_FRAME || start < reached || end >= size)
      return `blocks ${first} to ${first + blocks} do not belong to a memory of ${size} bytes, or are not in order`;
    ranges.push([start, Math.min(end + IMAGE_BLOCK_BYTES, size)]);
    reached = end + IMAGE_BLOCK_BYTES;
  }
  return ranges;
}

function inflated(bytes: Buffer, expected: number): Buffer | string {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, expected) });
  } catch (thrown) {
    return `blocks cannot be inflated: ${describeError(thrown)}`;
  }
}

/**
 * `target` becomes target XOR other; both of the same length, a word at a time where both begin at
 * one.
 */
function xorInto(target: Buffer, other: Buffer): void {
  const { length } = target;
  let at = 0;
  if (target.byteOffset % 4 === 0 && other.byteOffset % 4 === 0) {
    const words = length >>> 2;
    const ours = new Uint32Array(target.buffer, target.byteOffset, words);
    const theirs = new Uint32Array(other.buffer, other.byteOffset, words);
    for (let word = 0; word < words; word += 1) ours[word] = (ours[word] ?? 0) ^ (theirs[word] ?? 0);
    at = words * 4;
  }
  for (; at < length; at += 1) target[at] = (target[at] ?? 0) ^ (other[at] ?? 0);
}
