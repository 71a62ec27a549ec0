/**
 * Whether the condition of an alarm holds, given what was measured in the last second. `AppAlarms`
 * calls it. Pure.
 */
import type { WatchState } from '../../wire/application.js';
import type { AlarmCondition } from '../../wire/trends.js';
import type { Verdict } from './alarm-state.js';

/** What a trend measured. */
export interface Measured {
  readonly value: number;
  /** One standard deviation; only of a centroid. */
  readonly error?: number;
  /** Whether it differs from what was measured before; for a rate, whether it is not zero. */
  readonly changed: boolean;
}

export interface Observation {
  readonly state: WatchState;
  /** Whether a run is active; undefined where the source does not report it. */
  readonly runActive: boolean | undefined;
  /** Undefined for a trend without a value in this second. */
  measured(trend: string): Measured | undefined;
}

export function verdictOf(condition: AlarmCondition, observation: Observation): Verdict {
  switch (condition.kind) {
    case 'stale':
      return observation.state === 'connecting' ? 'unknown' : badIf(observation.state !== 'live');
    case 'run-ended':
      return observation.runActive === undefined ? 'unknown' : badIf(!observation.runActive);
    default:
      return ofTrend(condition, observation.measured(condition.trend));
  }
}

function ofTrend(
  condition: Extract<AlarmCondition, { readonly trend: string }>,
  measured: Measured | undefined,
): Verdict {
  if (measured === undefined) return 'unknown';
  const { value } = measured;
  switch (condition.kind) {
    case 'above':
      return beyond(value - condition.limit, condition.hysteresis);
    case 'below':
      return beyond(condition.limit - value, condition.hysteresis);
    case 'outside':
      return beyond(Math.max(condition.low - value, value - condition.high), condition.hysteresis);
    case 'unchanged':
      return badIf(!measured.changed);
    case 'moved': {
      if (measured.error === undefined || measured.error <= 0) return 'unknown';
      const away = Math.abs(value - condition.reference) / measured.error;
      // Back within half of the limit, or else statistics alone would raise it again.
      return beyond(away - condition.deviations, condition.deviations / 2);
    }
    default:
      return condition satisfies never;
  }
}

/** `excess`: by how much the limit is passed; negative within it. */
function beyond(excess: number, hysteresis: number): Verdict {
  if (excess > 0) return 'bad';
  return excess <= -hysteresis ? 'good' : 'between';
}

function badIf(isBad: boolean): Verdict {
  return isBad ? 'bad' : 'good';
}
