/**
 * Listens on a flow's signal link socket, with retries: the last threads of a killed predecessor
 * may hold the socket for a moment after its process has died. Called by HostedFlow. Opens the
 * link server, which the caller owns.
 */
import { systemClock, type Clock } from '../../protocol/base/clock.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { LinkServer } from '../../protocol/flow/signal-link/link.js';

/** Far longer than the last threads of a killed process need. */
const RETRY_FOR_MS = 1_000;
const RETRY_INTERVAL_MS = 20;

/** Throws what listening throws; ADDRESS_IN_USE when the path is in use after RETRY_FOR_MS. */
export async function listenOnLink(
  links: LinkServer,
  path: string,
  clock: Clock = systemClock,
): Promise<void> {
  const deadlineMs = clock.nowMs() + RETRY_FOR_MS;
  for (;;) {
    try {
      await links.listen(path);
      return;
    } catch (error) {
      if (!isMirrorflowError(error, 'ADDRESS_IN_USE') || clock.nowMs() > deadlineMs) throw error;
    }
    await new Promise<void>((resolve) => {
      clock.after(RETRY_INTERVAL_MS, resolve);
    });
  }
}
