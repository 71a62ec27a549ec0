/**
 * Doing faults, several of them at the same time, and waiting until everybody they concern is back.
 */
import type { Fault } from './faults.js';
import type { Plant } from './plant.js';
import type { SlowRecovery } from './slowest.js';

/** A reader that is not back by then is counted as not recovered. */
export const RECOVERY_DEADLINE_MS = 60_000;

/** At the same time, everybody is hit by one of them. */
export function oneEach(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.toReversed().map((fault) => [fault.target, fault])).values()];
}

/** A fault that has happened: from when to when, by the wall clock and by performance.now. */
export interface PastFault extends Fault {
  readonly begunMs: number;
  readonly overMs: number;
  readonly overAt: number;
}

/** At the same time. Those that found nobody to hit are left out. */
export async function injectAll(faults: readonly Fault[]): Promise<PastFault[]> {
  const done = await Promise.all(
    faults.map(async (fault) => {
      const begunMs = Date.now();
      const hit = await fault.inject();
      return { hit, fault: { ...fault, begunMs, overMs: Date.now(), overAt: performance.now() } };
    }),
  );
  return done.filter(({ hit }) => hit).map(({ fault }) => fault);
}

/**
 * How long after the last of them every reader concerned had a buffer that was written since, and
 * which reader was the last.
 */
export async function backAfter(
  plant: Plant,
  faults: readonly PastFault[],
): Promise<Pick<SlowRecovery, 'ms' | 'reader' | 'attachedMs'>> {
  const sinceMs = Math.max(...faults.map(({ overMs }) => overMs));
  const since = Math.max(...faults.map(({ overAt }) => overAt));
  const begunMs = Math.min(...faults.map((fault) => fault.begunMs));
  const names = new Set(faults.flatMap(({ affected }) => affected));
  const attachedSince = new Map<string, number>();
  for (const { reattaches, affected, begunMs: from } of faults) {
    if (reattaches === true) for (const name of affected) attachedSince.set(name, from);
  }
  const back = await Promise.all(
    [...plant.readers.values()]
      .filter(({ plan }) => names.has(plan.name))
      .map(async (reader) => {
        const { name } = reader.plan;
        const at = await reader.backSince(sinceMs, RECOVERY_DEADLINE_MS, attachedSince.get(name));
        const ms = at === undefined ? RECOVERY_DEADLINE_MS : Math.max(0, at - since);
        const attachedMs = reader.attachedMs >= begunMs ? reader.attachedMs - sinceMs : undefined;
        return { reader: name, ms, attachedMs };
      }),
  );
  return back.reduce((last, one) => (one.ms > last.ms ? one : last));
}
