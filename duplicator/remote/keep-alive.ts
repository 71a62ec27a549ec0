/**
 * Detects a link between hosts that was cut without being closed (a pulled cable, a stopped peer):
 * each side sends something at least every SEND_WITHIN_MS, and a side that received nothing for
 * SILENCE_MS closes the link. Used by UpstreamReceiver and DownstreamLink. Pure: time, timers and
 * the sending are passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';

/** A quarter of SILENCE_MS, so that a late sign of life is no silence. */
const SEND_WITHIN_MS = 500;
/** Longest time without a received byte, milliseconds. */
export const SILENCE_MS = 2_000;

export interface KeepAliveHooks {
  /** Nothing was sent for SEND_WITHIN_MS: send a sign of life. */
  send(): void;
  /** Nothing was received for SILENCE_MS: close the link. */
  silent(): void;
  /** False while reading is suspended on purpose, so that silence means nothing. */
  isReading(): boolean;
}

export class KeepAlive {
  readonly #clock: Clock;
  readonly #hooks: KeepAliveHooks;
  #receivedMs: number;
  /** Since the last check: flags, since both are set on every read and write. */
  #received = false;
  #sent = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, hooks: KeepAliveHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
    this.#receivedMs = clock.nowMs();
    this.#schedule();
  }

  received(): void {
    this.#received = true;
  }

  sent(): void {
    this.#sent = true;
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #schedule(): void {
    this.#cancel = this.#clock.after(SEND_WITHIN_MS, () => this.#check(), true);
  }

  #check(): void {
    const nowMs = this.#clock.nowMs();
    if (this.#received || !this.#hooks.isReading()) this.#receivedMs = nowMs;
    this.#received = false;
    if (nowMs - this.#receivedMs >= SILENCE_MS) {
      this.stop();
      this.#hooks.silent();
      return;
    }
    if (!this.#sent) this.#hooks.send();
    this.#sent = false;
    this.#schedule();
  }
}
