/**
 * A log for what unauthenticated peers cause: each message at most once in INTERVAL_MS, with the
 * number of those left out, so that nothing from outside fills a disk. Servers use it where they
 * refuse a connection or a request. Pure but for the clock and the log, which are passed in.
 */
import type { Clock } from './clock.js';
import type { LogFields, Logger } from './log.js';

const INTERVAL_MS = 10_000;
/** The count of messages left out is forgotten after this time without a further one. */
const FORGOTTEN_AFTER_MS = 60_000;
/** Distinct messages within the interval; further ones count as one message. */
const MESSAGES_MAX = 64;
const FURTHER_MESSAGES = 'further messages';

export class RateLimitedLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  /** By message and reason, the oldest first. */
  readonly #logged = new Map<string, { atMs: number; suppressed: number }>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages are distinct by their text and their `reason`. */
  warn(message: string, fields: LogFields): void {
    const nowMs = this.#clock.nowMs();
    for (const [key, { atMs, suppressed }] of this.#logged) {
      if (nowMs - atMs >= (suppressed === 0 ? INTERVAL_MS : FORGOTTEN_AFTER_MS)) this.#logged.delete(key);
    }
    const key = this.#keyOf(`${message} ${typeof fields['reason'] === 'string' ? fields['reason'] : ''}`);
    const last = this.#logged.get(key);
    if (last !== undefined && nowMs - last.atMs < INTERVAL_MS) {
      last.suppressed += 1;
      return;
    }
    this.#logged.delete(key);
    this.#logged.set(key, { atMs: nowMs, suppressed: 0 });
    const more = last === undefined || last.suppressed === 0 ? {} : { meanwhile: last.suppressed };
    this.#log.warn(message, { ...fields, ...more });
  }

  #keyOf(key: string): string {
    return this.#logged.has(key) || this.#logged.size < MESSAGES_MAX ? key : FURTHER_MESSAGES;
  }
}
