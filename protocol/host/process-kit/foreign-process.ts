/**
 * Stops a process that is no child of this one: an adopted child, or the owner of a record. The
 * identity (process id and start time) is checked before each signal, so that a process with a
 * reused id is never stopped. Used by adopted-process.ts, host servers, gateways' parents and the
 * clean-up. Sends signals, reads /proc.
 */
import type { Clock } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';

/** Interval of the liveness check: the kernel reports the end of children only. */
const POLL_MS = 20;

/** SIGTERM, a bounded wait, SIGKILL; resolves when the process has ended. */
export async function stopForeign(
  identity: OwnerIdentity,
  clock: Clock,
  stopTimeoutMs: number = LIMITS.childStopTimeoutMs,
): Promise<void> {
  signal(identity, 'SIGTERM');
  if (await endsWithin(identity, clock, stopTimeoutMs)) return;
  signal(identity, 'SIGKILL');
  await endsWithin(identity, clock, stopTimeoutMs);
}

/** False when the process still lives after `waitMs`. */
async function endsWithin(identity: OwnerIdentity, clock: Clock, waitMs: number): Promise<boolean> {
  const deadline = clock.nowMs() + waitMs;
  while (isAlive(identity)) {
    if (clock.nowMs() >= deadline) return false;
    await new Promise<void>((resolve) => {
      clock.after(POLL_MS, resolve);
    });
  }
  return true;
}

function signal(identity: OwnerIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch {
    // The process ended after the check: nothing is left to stop.
  }
}
