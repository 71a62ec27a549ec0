/**
 * Starts the application of `mirrorflow start`, or uses the one that runs already.
 *
 * `session.ts` calls it with a connection to the host server, the only thing that it uses.
 */
import { connect } from 'node:net';
import type { ApplicationOptions, HostConnection } from '../../client-lib/index.js';
import { parseAddress } from '../../protocol/base/address.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/**
 * Runs the application. Resolves with true when it did not run before: then the caller has to stop
 * it. An application whose simulator died with an earlier `mirrorflow start` is replaced. Throws
 * APPLICATION_EXISTS when it mirrors another source.
 */
export async function runApplication(host: HostConnection, options: ApplicationOptions): Promise<boolean> {
  const previous = (await host.applications()).find(({ name }) => name === options.name);
  const wasRunning = previous?.state === 'running' || previous?.state === 'starting';
  try {
    await host.run(options);
    return !wasRunning;
  } catch (error) {
    const source = previous?.source;
    const hasOtherSource = isMirrorflowError(error, 'APPLICATION_EXISTS') && source !== undefined;
    if (!hasOtherSource || !(await isAbandoned(source))) throw error;
    await host.stop(options.name);
    await host.run(options);
    return true;
  }
}

/** Whether a source is on this host and no process listens on its port. */
async function isAbandoned(source: string): Promise<boolean> {
  const { host, rest } = parseAddress(source, { schemes: ['spectcl'] });
  const port = Number(rest);
  if (!LOOPBACK.has(host) || !Number.isInteger(port)) return false;
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}
