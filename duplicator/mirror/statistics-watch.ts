/**
 * Asks SpecTcl's REST service for the statistics of all spectra (counts of events below and above
 * the range) every few seconds. The display header has them too, but SpecTcl sends the header only
 * at the beginning of a connection. One object per source connection, polled by MirrorSession.
 * Sends HTTP requests.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { SpecTclRest, SpecTclStatistics } from '../../protocol/spectcl/rest-client.js';

/**
 * Time from an answer to the next question, milliseconds. With the time of an answer and the
 * longest interval of updates, published statistics stay younger than 5 s.
 */
const STATISTICS_INTERVAL_MS = 3_000;

export class StatisticsWatch {
  readonly #rest: SpecTclRest;
  readonly #clock: Clock;
  readonly #received: (statistics: readonly SpecTclStatistics[]) => void;
  /** Clock reading from which the next question is due; Infinity while one is in flight. */
  #dueMs: number;

  /** `received` is called with every answer. The header that was just requested is new enough. */
  constructor(rest: SpecTclRest, clock: Clock, received: (statistics: readonly SpecTclStatistics[]) => void) {
    this.#rest = rest;
    this.#clock = clock;
    this.#received = received;
    this.#dueMs = clock.nowMs() + STATISTICS_INTERVAL_MS;
  }

  /**
   * Sends the question when it is due. Never throws: without an answer the statistics get older.
   */
  poll(): void {
    if (this.#clock.nowMs() < this.#dueMs) return;
    this.#dueMs = Infinity;
    this.#rest
      .statistics()
      .then(this.#received)
      .then(
        () => (this.#dueMs = this.#clock.nowMs() + STATISTICS_INTERVAL_MS),
        (error: unknown) => {
          // A service without this request is not asked again.
          if (!isMirrorflowError(error, 'SOURCE_REFUSED'))
            this.#dueMs = this.#clock.nowMs() + STATISTICS_INTERVAL_MS;
        },
      );
  }

  /** Answers are ignored from now on. */
  close(): void {
    this.#dueMs = Infinity;
  }
}
