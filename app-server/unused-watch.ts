/**
 * Ends an app server without users: its host server was killed and has not returned, and no client
 * is connected. Owned by `app-server.ts`. Pure: time and state are parameters.
 */
import type { Clock } from '../protocol/base/clock.js';

/** Unless the application states another time. */
export const WITHOUT_HOST_MS = 600_000;
/** Checks within `afterMs`, and the longest time between two of them. */
const CHECKS = 10;
const INTERVAL_MAX_MS = 10_000;

export interface UnusedWatchOptions {
  readonly clock: Clock;
  /** Milliseconds without host server and clients. */
  readonly afterMs: number;
  /** Whether a host server or a client is connected now. */
  readonly isUsed: () => boolean;
  /** Called once, when it was unused for `afterMs`. */
  readonly onUnused: () => void;
}

export class UnusedWatch {
  readonly #options: UnusedWatchOptions;
  #usedMs: number;
  #cancel: () => void = () => undefined;

  constructor(options: UnusedWatchOptions) {
    this.#options = options;
    this.#usedMs = options.clock.nowMs();
    this.#next();
  }

  stop(): void {
    this.#cancel();
  }

  #check(): void {
    const { clock, afterMs, isUsed, onUnused } = this.#options;
    const nowMs = clock.nowMs();
    if (isUsed()) this.#usedMs = nowMs;
    if (nowMs - this.#usedMs >= afterMs) onUnused();
    else this.#next();
  }

  #next(): void {
    const { clock, afterMs } = this.#options;
    const intervalMs = Math.min(Math.max(1, afterMs / CHECKS), INTERVAL_MAX_MS);
    this.#cancel = clock.after(intervalMs, () => this.#check(), true);
  }
}
