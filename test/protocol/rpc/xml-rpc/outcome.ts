/** Waits for the rejection of a promise or the close of a socket. Used by tests of every part. */
import type { Socket } from 'node:net';

/** Resolves with the MirrorflowError that a promise rejects with; rejects if it does not reject. */
export async function rejection(
  promise: Promise<unknown>,
): Promise<{ code: string; message: string; facts: object }> {
  const thrown: unknown = await promise.then(
    () => new Error('it did not reject'),
    (error: unknown) => error,
  );
  if (thrown instanceof Error && 'code' in thrown && 'facts' in thrown) {
    return thrown as Error & { code: string; facts: object };
  }
  throw thrown;
}

/** Resolves when the socket is closed, with or without an error. */
export function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve());
  });
}
