/**
 * Creates the file of a listening socket with access for its owner only. The system makes the file
 * with the umask's mode, so that without this other users could connect in the moment before the
 * server sets the mode that it wants. Every server that listens on a path uses it. Changes the
 * umask of the process for the time of the call.
 */
import { isMainThread } from 'node:worker_threads';

const PRIVATE_UMASK = 0o077;

/** `bind` creates the socket file before it returns. A worker thread has no umask of its own. */
export function bindPrivately(bind: () => void): void {
  if (!isMainThread) {
    bind();
    return;
  }
  const before = process.umask(PRIVATE_UMASK);
  try {
    bind();
  } finally {
    process.umask(before);
  }
}
