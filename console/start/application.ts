/** The application of `mirrorflow start`: run, and told apart from one that ran already. */
import { connect } from 'node:net';
import type { ApplicationOptions, HostConnection } from '../../client-lib/index.js';
import { parseAddress } from '../../protocol/base/address.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '::1']);

/**
 * Runs the application; true when it did not run before, so that its end belongs to whoever asked.
 * One that still runs with the simulator of a command that was killed is replaced. Throws
 * APPLICATION_EXISTS when it mirrors something else.
 */
export async function runApplication(host: HostConnection, options: ApplicationOptions): Promise<boolean> {
  const before = (await host.applications()).find(({ name }) => name === options.name);
  const ran = before?.state === 'running' || before?.state === 'starting';
  try {
    await host.run(options);
    return !ran;
  } catch (error) {
    const source = before?.source;
    const other = isMirrorflowError(error, 'APPLICATION_EXISTS') && source !== undefined;
    if (!other || !(await isAbandoned(source))) throw error;
    await host.stop(options.name);
    await host.run(options);
    return true;
  }
}

/** Whether a source is on this host and nobody serves it any more. */
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
