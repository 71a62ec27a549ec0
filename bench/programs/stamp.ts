/**
 * The time of sending in the first 8 bytes of a payload, in nanoseconds of the monotonic clock that
 * all processes of a machine share. `latency-sender` writes it, `latency-receiver` reads it.
 */
export function monotonicNs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e9 + nanoseconds;
}

export function writeStamp(payload: Buffer): void {
  payload.writeDoubleLE(monotonicNs(), 0);
}

const STAMP_BYTES = 8;
const stamp = new Float64Array(1);
const stampBytes = new Uint8Array(stamp.buffer);

/** Microseconds since the stamp was written. */
export function ageUs(payload: Uint8Array): number {
  for (let at = 0; at < STAMP_BYTES; at += 1) stampBytes[at] = payload[at] ?? 0;
  return (monotonicNs() - (stamp[0] ?? 0)) / 1000;
}
