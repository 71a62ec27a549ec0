/** Whether this host server answers on its own socket, as its clients would see it. */
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import type { SystemdNotifier } from './sd-notify.js';

/**
 * Lets systemd's watchdog see more than a turning event loop: when the socket is not answered,
 * pings end, and systemd starts the host server again; applications go on meanwhile. Returns what
 * ends the checks.
 */
export function watchOwnSocket(
  path: string,
  notifier: SystemdNotifier,
  clock: Clock,
  log: Logger,
): () => void {
  const { watchdogTimeoutMs } = notifier;
  if (watchdogTimeoutMs === undefined) return () => undefined;
  const intervalMs = watchdogTimeoutMs / 2;
  let ended = false;
  let cancel = (): void => undefined;
  const check = async (): Promise<void> => {
    try {
      await askOnce(path, intervalMs, log);
      if (!ended) notifier.startWatchdog();
    } catch (error) {
      if (ended) return;
      log.error('the own socket does not answer; watchdog pings end', { socket: path, error });
      notifier.stopWatchdog();
    }
    if (!ended) cancel = clock.after(intervalMs, () => void check(), true);
  };
  void check();
  return () => {
    ended = true;
    cancel();
  };
}

async function askOnce(path: string, timeoutMs: number, log: Logger): Promise<void> {
  const session = await connectSession(
    { path },
    { context: () => undefined, log, connectTimeoutMs: timeoutMs },
  );
  try {
    await session.call('host.info', [], { timeoutMs });
  } finally {
    session.destroy();
  }
}
