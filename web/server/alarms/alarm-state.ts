/**
 * The state machine of one alarm. `AppAlarms` has one per rule and gives it a verdict every second.
 * Pure: times come in as parameters.
 *
 * | state  | verdict                                          | next                                |
 * | ------ | ------------------------------------------------ | ----------------------------------- |
 * | clear  | `bad` for `raiseAfterS` without any other        | raised, not acknowledged            |
 * | raised | `good` for `clearAfterS` without any other       | clear; the acknowledgement is gone  |
 * | any    | `between` (hysteresis) or `unknown` (no value)   | stays; the time starts again        |
 */
import type { Acknowledgement, AlarmStatus } from '../../wire/trends.js';

/** `between`: the limit is met again, by less than the hysteresis. */
export type Verdict = 'bad' | 'good' | 'between' | 'unknown';

export interface AlarmTimes {
  readonly raiseAfterS: number;
  readonly clearAfterS: number;
}

export type AlarmChange = 'raised' | 'cleared';

export class AlarmState {
  readonly #times: AlarmTimes;
  #status: AlarmStatus;
  /** Since when the verdict asks for the other state; undefined while it does not. */
  #contraryMs: number | undefined;

  /** `status`: as it was kept, or undefined for a new alarm, which is clear since `nowMs`. */
  constructor(times: AlarmTimes, nowMs: number, status?: AlarmStatus) {
    this.#times = times;
    this.#status = status ?? { raised: false, sinceMs: nowMs };
  }

  get status(): AlarmStatus {
    return this.#status;
  }

  /** Milliseconds since 1970, or of any other clock that grows. */
  judge(verdict: Verdict, nowMs: number): AlarmChange | undefined {
    const { raised } = this.#status;
    if (verdict !== (raised ? 'good' : 'bad')) {
      this.#contraryMs = undefined;
      return undefined;
    }
    // A clock that was set back starts the time again.
    if (this.#contraryMs === undefined || nowMs < this.#contraryMs) this.#contraryMs = nowMs;
    const waitS = raised ? this.#times.clearAfterS : this.#times.raiseAfterS;
    if (nowMs - this.#contraryMs < waitS * 1_000) return undefined;
    this.#contraryMs = undefined;
    this.#status = { raised: !raised, sinceMs: nowMs };
    return raised ? 'cleared' : 'raised';
  }

  /** False for an alarm that is not raised. A second acknowledgement replaces the first. */
  acknowledge(acknowledged: Acknowledgement): boolean {
    if (!this.#status.raised) return false;
    this.#status = { ...this.#status, acknowledged };
    return true;
  }
}
