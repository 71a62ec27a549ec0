/**
 * Waits for a condition without the event loop, for blocking takes of inline flows: busy at first,
 * then with short sleeps. Used by InlineWait. Blocks the calling thread.
 */
import type { Clock } from '../../protocol/base/clock.js';

/** Checks of the condition between two readings of the clock. */
const CHECKS_PER_CLOCK = 64;
/** Sleeps double from the first to the longest. */
const NAP_FIRST_MS = 0.05;
const NAP_LAST_MS = 1;

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Checks for up to `spinUs` microseconds; true as soon as the condition holds. */
export function spinUntil(condition: () => boolean, spinUs: number, clock: Clock): boolean {
  const until = clock.nowMs() + spinUs / 1000;
  do {
    for (let check = 0; check < CHECKS_PER_CLOCK; check += 1) if (condition()) return true;
  } while (clock.nowMs() < until);
  return false;
}

/** Sleeps until the condition holds, or the clock has reached `untilMs`. */
export function napUntil(condition: () => boolean, untilMs: number, clock: Clock): void {
  let napMs = NAP_FIRST_MS;
  for (;;) {
    const leftMs = untilMs - clock.nowMs();
    if (leftMs <= 0 || condition()) return;
    Atomics.wait(sleeper, 0, 0, Math.min(napMs, leftMs));
    napMs = Math.min(NAP_LAST_MS, napMs * 2);
  }
}
