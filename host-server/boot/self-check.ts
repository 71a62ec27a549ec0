/**
 * Detects a host server that runs but answers no call: calls it on its own Unix socket, as a client
 * does, so that systemd's watchdog notices more than a blocked event loop. Started by
 * `host-server.ts`; connects to that socket at half of the watchdog timeout.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Logger } from '../../protocol/base/log.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import type { SystemdNotifier } from './sd-notify.js';

/**
 * Pings systemd's watchdog while the socket answers. When it does not, the pings stop and systemd
 * restarts the host server; applications continue. Returns the function that ends the checks.
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
      await callOnce(path, intervalMs, log);
      if (!ended) notifier.startWatchdog();
    } catch (error) {
      if (ended) return;
      log.error('the host server does not answer on its own socket; watchdog pings stop', {
        socket: path,
        error,
      });
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

async function callOnce(path: string, timeoutMs: number, log: Logger): Promise<void> {
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
