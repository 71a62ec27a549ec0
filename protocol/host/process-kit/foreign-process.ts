/**
 * Ending a process that this one did not start: an adopted child. Its identity is checked, so that
 * a reused process id is never hit.
 */
import type { Clock } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';

/**
 * How often a stopping process is looked at; there is no other way to await one that is not a
 * child.
 */
const LOOK_MS = 20;

/** SIGTERM, a bounded wait, SIGKILL; resolves when the process is gone. */
export async function stopForeign(
  identity: OwnerIdentity,
  clock: Clock,
  stopTimeoutMs: number = LIMITS.childStopTimeoutMs,
): Promise<void> {
  signal(identity, 'SIGTERM');
  if (await goneWithin(identity, clock, stopTimeoutMs)) return;
  signal(identity, 'SIGKILL');
  await goneWithin(identity, clock, stopTimeoutMs);
}

/** Waits for a process to end by itself. False when it lives on after `waitMs`. */
export async function goneWithin(identity: OwnerIdentity, clock: Clock, waitMs: number): Promise<boolean> {
  const deadline = clock.nowMs() + waitMs;
  while (isAlive(identity)) {
    if (clock.nowMs() >= deadline) return false;
    await new Promise<void>((resolve) => {
      clock.after(LOOK_MS, resolve);
    });
  }
  return true;
}

function signal(identity: OwnerIdentity, name: 'SIGTERM' | 'SIGKILL'): void {
  if (!isAlive(identity)) return;
  try {
    process.kill(identity.pid, name);
  } catch {
    // It ended between the two lines, which is what was wanted.
  }
}
