/**
 * The clean-up when a host server starts: it owns the directory by then, and has not touched
 * anything else.
 */
import { cleanUp } from '../../protocol/host/clean-up/clean-up.js';
import type { Logger } from '../../protocol/base/log.js';
import type { HostServerOptions } from '../options.js';

/** Never throws: what cannot be removed keeps nobody from serving. */
export async function removeLeftovers(
  { directory, flowDirectory }: Pick<HostServerOptions, 'directory' | 'flowDirectory'>,
  log: Logger,
): Promise<void> {
  try {
    for (const leftover of await cleanUp({ directory, flowDirectory, hostStarts: true })) {
      const { outcome, error, ...facts } = leftover;
      if (outcome === 'failed') log.warn('what a dead process left cannot be removed', { ...facts, error });
      else log.info('removed what a dead process left', facts);
    }
  } catch (error) {
    log.warn('what dead processes left could not be looked for', { error });
  }
}
