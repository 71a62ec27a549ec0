/**
 * Listening on the flow's socket: a killed predecessor's last threads may hold it for a moment
 * longer than its process is alive.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { LinkServer } from '../../protocol/flow/signal-link/link.js';

const PREDECESSOR_ENDS_WITHIN_MS = 1_000;
const LOOK_MS = 20;

/** Throws what listening throws; ADDRESS_IN_USE when the path is still taken after a second. */
export async function listenOnLink(
  links: LinkServer,
  path: string,
  clock: Clock = systemClock,
): Promise<void> {
  const deadlineMs = clock.nowMs() + PREDECESSOR_ENDS_WITHIN_MS;
  for (;;) {
    try {
      await links.listen(path);
      return;
    } catch (error) {
      if (!isMirrorflowError(error, 'ADDRESS_IN_USE') || clock.nowMs() > deadlineMs) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.after(LOOK_MS, resolve);
    });
  }
}
