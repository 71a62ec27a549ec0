/**
 * The payload of buffers in a chaos run, which shows damage by itself: the run of the provider, the
 * number of the buffer, the time of writing, and words computed from both numbers and the position,
 * so that a reader detects a buffer mixed of two. The provider program writes it, the consumer
 * program checks it. Pure: no I/O.
 *
 *   byte 0          4        8          16                    size
 *        ┌──────────┬────────┬──────────┬──────────────────────┐
 *        │ run u32  │ number │ wall ms  │ words of run, number │
 *        │          │ u32    │ f64      │ and position         │
 *        └──────────┴────────┴──────────┴──────────────────────┘
 */
const WORDS_OFFSET = 16;

export interface NumberedBuffer {
  readonly run: number;
  readonly number: number;
  /** When it was written, wall-clock milliseconds since 1970. */
  readonly writtenMs: number;
  /** Whether every word has the value computed from run, number and position. */
  readonly intact: boolean;
}

/** `size` is in bytes: a multiple of 4, at least 20. */
export function writeNumberedBuffer(
  target: Buffer,
  size: number,
  run: number,
  number: number,
  nowMs: number,
): void {
  target.writeUInt32LE(run, 0);
  target.writeUInt32LE(number, 4);
  target.writeDoubleLE(nowMs, 8);
  const words = new Uint32Array(target.buffer, target.byteOffset + WORDS_OFFSET, (size - WORDS_OFFSET) / 4);
  for (let index = 0; index < words.length; index += 1) words[index] = word(run, number, index);
}

export function readNumberedBuffer(bytes: Uint8Array): NumberedBuffer {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const run = view.getUint32(0, true);
  const number = view.getUint32(4, true);
  let intact = true;
  for (let offset = WORDS_OFFSET, index = 0; offset + 4 <= view.byteLength; offset += 4, index += 1) {
    if (view.getUint32(offset, true) !== word(run, number, index)) intact = false;
  }
  return { run, number, writtenMs: view.getFloat64(8, true), intact };
}

function word(run: number, number: number, index: number): number {
  return (Math.imul(number + 1, 2_654_435_761) ^ Math.imul(run, 40_503) ^ Math.imul(index, 97)) >>> 0;
}
