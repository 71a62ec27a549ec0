/**
 * Injects faults, several at the same time, and waits until all affected readers have recovered.
 * Used by run.ts.
 */
import type { Fault } from './faults.js';
import type { ChaosSystem } from './chaos-system.js';
import type { SlowRecovery } from './slowest.js';

/** A reader without a new buffer after this time is counted as not recovered. */
export const RECOVERY_DEADLINE_MS = 60_000;

/** The first fault for each target: no target is hit by two faults at the same time. */
export function oneEach(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.toReversed().map((fault) => [fault.target, fault])).values()];
}

/** An injected fault with the times of its start and end. */
export interface PastFault extends Fault {
  /** Wall-clock milliseconds. */
  readonly begunMs: number;
  readonly overMs: number;
  /** By performance.now. */
  readonly overAt: number;
}

/** Injects all at the same time; faults without a process to hit are left out of the result. */
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
 * Waits until every affected reader has received a buffer written after the last fault; resolves
 * with the slowest reader and its time.
 */
export async function recoveryAfter(
  system: ChaosSystem,
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
  const recoveries = await Promise.all(
    [...system.readers.values()]
      .filter(({ plan }) => names.has(plan.name))
      .map(async (reader) => {
        const { name } = reader.plan;
        const at = await reader.backSince(sinceMs, RECOVERY_DEADLINE_MS, attachedSince.get(name));
        const ms = at === undefined ? RECOVERY_DEADLINE_MS : Math.max(0, at - since);
        const attachedMs = reader.attachedMs >= begunMs ? reader.attachedMs - sinceMs : undefined;
        return { reader: name, ms, attachedMs };
      }),
  );
  return recoveries.reduce((last, one) => (one.ms > last.ms ? one : last));
}
