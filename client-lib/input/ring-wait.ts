/** Waiting for a ring without the event loop: looking at it all the time, then between naps. */
import type { Clock } from '../../protocol/base/clock.js';

/** Looks between two looks at the clock. */
const SPIN_LOOKS = 64;
/** Naps grow from the first to the last. */
const NAP_FIRST_MS = 0.05;
const NAP_LAST_MS = 1;

const sleeper = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Looks for up to `spinUs` microseconds; true as soon as there is something. */
export function spin(something: () => boolean, spinUs: number, clock: Clock): boolean {
  const until = clock.nowMs() + spinUs / 1000;
  do {
    for (let look = 0; look < SPIN_LOOKS; look += 1) if (something()) return true;
  } while (clock.nowMs() < until);
  return false;
}

/** Blocks this thread until there is something, or the clock says `untilMs`. */
export function nap(something: () => boolean, untilMs: number, clock: Clock): void {
  let napMs = NAP_FIRST_MS;
  for (;;) {
    const leftMs = untilMs - clock.nowMs();
    if (leftMs <= 0 || something()) return;
    Atomics.wait(sleeper, 0, 0, Math.min(napMs, leftMs));
    napMs = Math.min(NAP_LAST_MS, napMs * 2);
  }
}
