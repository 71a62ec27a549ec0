/**
 * A log for what strangers cause: each message once in a while, with how often it was meant, so
 * that nobody fills a disk from outside.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { LogFields, Logger } from '../../protocol/base/log.js';

const ONCE_PER_MS = 10_000;
/** Different messages that are told apart. */
const MESSAGES_MAX = 64;

export class RareLog {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #last = new Map<string, { atMs: number; suppressed: number }>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Messages differ by their text and their `reason`. */
  warn(message: string, fields: LogFields): void {
    const key = `${message} ${typeof fields['reason'] === 'string' ? fields['reason'] : ''}`;
    const nowMs = this.#clock.nowMs();
    const last = this.#last.get(key);
    if (last !== undefined && nowMs - last.atMs < ONCE_PER_MS) {
      last.suppressed += 1;
      return;
    }
    if (this.#last.size >= MESSAGES_MAX) this.#last.clear();
    this.#last.set(key, { atMs: nowMs, suppressed: 0 });
    const more = last === undefined || last.suppressed === 0 ? {} : { meanwhile: last.suppressed };
    this.#log.warn(message, { ...fields, ...more });
  }
}
