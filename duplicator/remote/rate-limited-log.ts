/**
 * A log for what unauthenticated peers cause: each message at most once in INTERVAL_MS, with the
 * number of those left out, so that nothing from outside fills a disk. Used by RemoteListener. Pure
 * but for the clock and the log, which are passed in.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { LogFields, Logger } from '../../protocol/base/log.js';

const INTERVAL_MS = 10_000;
/** Distinct messages that are remembered. */
const MESSAGES_MAX = 64;

export class RateLimitedLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #logged = new Map<string, { atMs: number; suppressed: number }>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages are distinct by their text and their `reason`. */
  warn(message: string, fields: LogFields): void {
    const key = `${message} ${typeof fields['reason'] === 'string' ? fields['reason'] : ''}`;
    const nowMs = this.#clock.nowMs();
    const last = this.#logged.get(key);
    if (last !== undefined && nowMs - last.atMs < INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    if (this.#logged.size >= MESSAGES_MAX) this.#logged.clear();
    this.#logged.set(key, { atMs: nowMs, suppressed: 0 });
    const more = last === undefined || last.suppressed === 0 ? {} : { meanwhile: last.suppressed };
    this.#log.warn(message, { ...fields, ...more });
  }
}
