/**
 * The time of sending in the first 8 bytes of a payload: the monotonic clock that all processes of
 * a machine share, nanoseconds.
 */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

export function writeStamp(payload: Buffer): void {
  payload.writeDoubleLE(monotonicNs(), 0);
}

const STAMP_BYTES = 8;
const word = new Float64Array(1);
const bytes = new Uint8Array(word.buffer);

/** Microseconds since the stamp was written. */
export function ageUs(payload: Uint8Array): number {
  for (let at = 0; at < STAMP_BYTES; at += 1) bytes[at] = payload[at] ?? 0;
  return (monotonicNs() - (word[0] ?? 0)) / 1000;
}
