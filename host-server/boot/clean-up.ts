/**
 * The clean-up at the start of a host server: removes what dead processes left in the runtime
 * directory and the flow directory (records, sockets, flow files), and logs every removal. Called
 * by `host-server.ts` when it owns the runtime directory and has touched nothing else.
 */
import { cleanUp } from '../../protocol/host/clean-up/clean-up.js';
import type { Logger } from '../../protocol/base/log.js';

/** Never rejects: a leftover that cannot be removed must not prevent the start. */
export async function removeLeftovers(directory: string, flowDirectory: string, log: Logger): Promise<void> {
  try {
    for (const leftover of await cleanUp({ directory, flowDirectory, hostStarts: true })) {
      const { outcome, error, ...facts } = leftover;
      if (outcome === 'failed')
        log.warn('a leftover of a dead process cannot be removed', { ...facts, error });
      else log.info('removed a leftover of a dead process', facts);
    }
  } catch (error) {
    log.warn('leftovers of dead processes cannot be listed', { error });
  }
}
