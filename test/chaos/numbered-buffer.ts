/**
 * Layout of the buffers of a chaos run, which can be verified: run of the provider, number in the
 * run, time, and words computed from run, number and offset, so that a buffer mixed from two is
 * detected. Written by programs/provider.ts, read by programs/consumer.ts. Pure.
 *
 *   byte 0          4        8          16                    size
 *        ┌──────────┬────────┬──────────┬──────────────────────┐
 *        │ run u32  │ number │ wall ms  │ words of run, number │
 *        │          │ u32    │ f64      │ and place            │
 *        └──────────┴────────┴──────────┴──────────────────────┘
 */
const WORDS_AT = 16;

export interface BufferProof {
  readonly run: number;
  readonly number: number;
  /** Wall-clock milliseconds since 1970 when it was written. */
  readonly writtenMs: number;
  /** Whether every word has its computed value. */
  readonly whole: boolean;
}

/** `size` in bytes: a multiple of 4, at least 20. */
export function writeProof(target: Buffer, size: number, run: number, number: number, nowMs: number): void {
  target.writeUInt32LE(run, 0);
  target.writeUInt32LE(number, 4);
  target.writeDoubleLE(nowMs, 8);
  const words = new Uint32Array(target.buffer, target.byteOffset + WORDS_AT, (size - WORDS_AT) / 4);
  for (let at = 0; at < words.length; at += 1) words[at] = word(run, number, at);
}

export function readProof(bytes: Uint8Array): BufferProof {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const run = view.getUint32(0, true);
  const number = view.getUint32(4, true);
  let whole = true;
  for (let at = WORDS_AT, index = 0; at + 4 <= view.byteLength; at += 4, index += 1) {
    if (view.getUint32(at, true) !== word(run, number, index)) whole = false;
  }
  return { run, number, writtenMs: view.getFloat64(8, true), whole };
}

function word(run: number, number: number, at: number): number {
  return (Math.imul(number + 1, 2_654_435_761) ^ Math.imul(run, 40_503) ^ Math.imul(at, 97)) >>> 0;
}
