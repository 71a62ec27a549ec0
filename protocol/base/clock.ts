/**
 * Time and timers as an interface. Classes that wait take a `Clock` as a constructor parameter, so
 * that tests advance time by hand instead of sleeping; programs pass `systemClock`, the timers of
 * Node. Imported by every folder.
 */
export interface Clock {
  /** Milliseconds of a monotonic clock with an arbitrary zero; only differences are meaningful. */
  nowMs(): number;
  /**
   * Runs `action` once after `delayMs`; the returned function cancels it. A `background` timer does
   * not keep the process alive. Default: it does.
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
 * Wall-clock time in nanoseconds since 1970-01-01 UTC, in steps of a microsecond: the wall-clock
 * time of the process start plus the monotonic time since.
 */
export function wallClockNs(): bigint {
  return BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n;
}
