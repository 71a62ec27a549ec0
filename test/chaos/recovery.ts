/**
 * Injects faults, several at the same time, and waits until every reader that they concern has
 * recovered. `run.ts` calls it once per round. No I/O of its own: faults and readers have it.
 */
import type { Fault } from './faults.js';
import type { ChaosSystem } from './chaos-system.js';
import type { SlowRecovery } from './recovery-report.js';

/** A reader that takes longer counts as not recovered. */
export const RECOVERY_TIMEOUT_MS = 60_000;

/** Keeps one fault per target: faults at the same time hit different targets. */
export function onePerTarget(faults: readonly Fault[]): Fault[] {
  return [...new Map(faults.toReversed().map((fault) => [fault.excludes ?? fault.target, fault])).values()];
}

/**
 * Start and end of a fault: `…Ms` by the wall clock, `overAt` in milliseconds of performance.now.
 */
export interface InjectedFault extends Fault {
  readonly begunMs: number;
  readonly overMs: number;
  readonly overAt: number;
}

/** Injects all faults at the same time; resolves with those that hit their target. */
export async function injectAll(faults: readonly Fault[]): Promise<InjectedFault[]> {
  const outcomes = await Promise.all(
    faults.map(async (fault) => {
      const begunMs = Date.now();
      const hit = await fault.inject();
      return { hit, fault: { ...fault, begunMs, overMs: Date.now(), overAt: performance.now() } };
    }),
  );
  return outcomes.filter(({ hit }) => hit).map(({ fault }) => fault);
}

/**
 * Waits until every affected reader has delivered a buffer that was written after the last of the
 * faults ended; resolves with the time of the slowest reader.
 */
export async function waitForRecovery(
  system: ChaosSystem,
  faults: readonly InjectedFault[],
): Promise<Pick<SlowRecovery, 'ms' | 'reader' | 'attachedMs'>> {
  const sinceMs = Math.max(...faults.map(({ overMs }) => overMs));
  const sinceTime = Math.max(...faults.map(({ overAt }) => overAt));
  const begunMs = Math.min(...faults.map((fault) => fault.begunMs));
  const names = new Set(faults.flatMap(({ affectedReaders }) => affectedReaders));
  const attachedSinceMs = new Map<string, number>();
  for (const { reattaches, affectedReaders, begunMs: startedMs } of faults) {
    if (reattaches === true) for (const name of affectedReaders) attachedSinceMs.set(name, startedMs);
  }
  const recoveries = await Promise.all(
    [...system.readers.values()]
      .filter(({ plan }) => names.has(plan.name))
      .map(async (reader) => {
        const { name } = reader.plan;
        const deliveredTime = await reader.waitForDelivery(
          sinceMs,
          RECOVERY_TIMEOUT_MS,
          attachedSinceMs.get(name),
        );
        const ms = deliveredTime === undefined ? RECOVERY_TIMEOUT_MS : Math.max(0, deliveredTime - sinceTime);
        const attachedMs = reader.attachedMs >= begunMs ? reader.attachedMs - sinceMs : undefined;
        return { reader: name, ms, attachedMs };
      }),
  );
  return recoveries.reduce((slowest, recovery) => (recovery.ms > slowest.ms ? recovery : slowest));
}
