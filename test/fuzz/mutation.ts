/**
 * Mutations of fuzz inputs: changed bits, boundary numbers, truncation, repetition, parts of other
 * inputs, fragments of the format (the dictionary of a target); and the division of an input into
 * chunks. Used by the fuzzer and its targets. Pure.
 */
import type { RandomBits } from '../../simulator/random.js';

/** Numbers at which mistakes in the handling of sizes, counts and offsets show. */
const BOUNDARIES = [
  0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff7, 0xffff_ffff,
];
/** Most changes of one input; there is at least one. */
const CHANGES_MAX = 6;
/** Longest piece of an input that is repeated, and how often at most. */
const REPEAT_BYTES_MAX = 256;
const REPEATS_MAX = 64;
/** A longer input is truncated after its mutation. */
const INPUT_BYTES_MAX = 64 * 1024;

/** Returns a changed copy of the input; `random` returns 32 random bits. */
type Change = (
  input: Buffer,
  random: RandomBits,
  others: readonly Buffer[],
  dictionary: readonly Buffer[],
) => Buffer;

const CHANGES: readonly Change[] = [
  function flipBit(input, random) {
    const at = random() % Math.max(1, input.length);
    const changed = Buffer.from(input);
    changed[at] = (changed[at] ?? 0) ^ (1 << (random() % 8));
    return changed;
  },
  function setByte(input, random) {
    const changed = Buffer.from(input);
    changed[random() % Math.max(1, input.length)] = random() & 0xff;
    return changed;
  },
  function setBoundary(input, random) {
    const changed = Buffer.from(input);
    if (changed.length < 4) return changed;
    const value = BOUNDARIES[random() % BOUNDARIES.length] ?? 0;
    // Mostly at multiples of 4, where fields of a binary format begin.
    const at = random() % 4 === 0 ? random() % (changed.length - 3) : (random() % (changed.length >> 2)) * 4;
    changed.writeUInt32LE(value, at);
    return changed;
  },
  function truncate(input, random) {
    return input.subarray(0, random() % (input.length + 1));
  },
  function remove(input, random) {
    const from = random() % (input.length + 1);
    return Buffer.concat([input.subarray(0, from), input.subarray(from + 1 + (random() % 32))]);
  },
  function repeat(input, random) {
    const from = random() % (input.length + 1);
    const piece = input.subarray(from, from + 1 + (random() % REPEAT_BYTES_MAX));
    const times = 1 + (random() % REPEATS_MAX);
    return Buffer.concat([
      input.subarray(0, from),
      ...Array.from({ length: times }, () => piece),
      input.subarray(from),
    ]);
  },
  function splice(input, random, others) {
    const other = others[random() % others.length] ?? input;
    const at = random() % (input.length + 1);
    const from = random() % (other.length + 1);
    return Buffer.concat([input.subarray(0, at), other.subarray(from)]);
  },
  function insertWord(input, random, _others, dictionary) {
    const word = dictionary[random() % dictionary.length] ?? Buffer.from([random() & 0xff]);
    const at = random() % (input.length + 1);
    return Buffer.concat([input.subarray(0, at), word, input.subarray(at)]);
  },
  function replaceByWord(input, random, _others, dictionary) {
    const word = dictionary[random() % dictionary.length] ?? Buffer.alloc(1);
    const at = random() % (input.length + 1);
    return Buffer.concat([input.subarray(0, at), word, input.subarray(at + word.length)]);
  },
];

/** Returns a changed copy; does not modify the input. */
export function mutate(
  input: Buffer,
  random: RandomBits,
  others: readonly Buffer[],
  dictionary: readonly Buffer[],
): Buffer {
  let changed = input;
  for (let remaining = 1 + (random() % CHANGES_MAX); remaining > 0; remaining -= 1) {
    const change = CHANGES[random() % CHANGES.length];
    changed = change?.(changed, random, others, dictionary) ?? changed;
  }
  return changed.length > INPUT_BYTES_MAX ? changed.subarray(0, INPUT_BYTES_MAX) : changed;
}

/** The input as a random number of chunks, as a stream may deliver it. */
export function chunksOf(input: Buffer, random: RandomBits): Buffer[] {
  const chunks: Buffer[] = [];
  for (let offset = 0; offset < input.length;) {
    const length = random() % 3 === 0 ? 1 + (random() % 16) : 1 + (random() % input.length);
    chunks.push(input.subarray(offset, offset + length));
    offset += length;
  }
  return chunks;
}
