/**
 * Collects the garbage of a server that has nothing to do: V8 collects when memory is allocated, so
 * that an idle process would keep the garbage of its start, and of every busy time. Servers use it
 * through `settle.ts`. It takes clock, processor time and heap as parameters.
 */
import type { Clock } from '../../base/clock.js';

const CHECK_INTERVAL_MS = 5_000;
/** Of a core; a collection takes some 10 ms, which a busy process notices. */
const IDLE_SHARE = 0.02;
/** Less garbage is not worth a collection. */
const GROWTH_BYTES = 512 * 1_024;
/** The first finds the garbage; the second joins what is left, and gives the pages back. */
const COLLECTIONS = 2;

export interface CollectedProcess {
  /** Processor time that the process has used. */
  cpuMs(): number;
  /** Bytes of the heap in use, garbage included. */
  heapBytes(): number;
  collect(): void;
}

/** Checks for as long as the process lives, without keeping it alive. */
export function collectWhenIdle(collected: CollectedProcess, clock: Clock): void {
  let heapBytes = 0;
  let cpuMs = collected.cpuMs();
  let left = 0;
  const check = (): void => {
    const usedMs = collected.cpuMs() - cpuMs;
    cpuMs += usedMs;
    const isIdle = usedMs < IDLE_SHARE * CHECK_INTERVAL_MS;
    if (isIdle && collected.heapBytes() > heapBytes + GROWTH_BYTES) left = COLLECTIONS;
    if (isIdle && left > 0) {
      left -= 1;
      collected.collect();
      heapBytes = collected.heapBytes();
      cpuMs = collected.cpuMs();
    }
    clock.after(CHECK_INTERVAL_MS, check, true);
  };
  clock.after(CHECK_INTERVAL_MS, check, true);
}
