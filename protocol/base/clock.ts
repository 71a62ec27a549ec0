/**
 * Time and timers as constructor parameters, so that state machines are tested without sleeping.
 */
export interface Clock {
  /** Milliseconds of a monotonic clock; only differences mean something. */
  nowMs(): number;
  /**
   * Runs `action` once after `delayMs`; the returned function cancels it. `background` timers do
   * not keep a process alive.
   */
  after(delayMs: number, action: () => void, background?: boolean): () => void;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, action, background = false) {
    const timer = setTimeout(action, delayMs);
    if (background) timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Wall-clock time in nanoseconds since 1970, to the resolution of the system's millisecond clock
 * plus the monotonic one.
 */
export function wallClockNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
