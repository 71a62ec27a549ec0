/**
 * Sockets that nobody listens on: a connection that is refused proves it, after the owner's
 * identity has left the question open.
 */
import { connect } from 'node:net';
import { systemCode } from '../../base/errors.js';

/**
 * A server that is stopped, or busy, does not refuse; whoever does not answer is taken for alive.
 */
const PROBE_TIMEOUT_MS = 500;

export function hasNoListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (nobody: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(nobody);
    };
    const timer = setTimeout(() => end(false), PROBE_TIMEOUT_MS);
    socket.once('connect', () => end(false));
    socket.once('error', (error) => end(systemCode(error) === 'ECONNREFUSED'));
  });
}
