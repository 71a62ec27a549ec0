/**
 * Events from outside the process: signals, and a standard output whose reader has closed it.
 *
 * `main.ts` calls it once. It installs signal and stream handlers and may end the process.
 */
import { systemCode } from '../protocol/base/errors.js';
import { EXIT } from './exit-codes.js';

/**
 * A second signal later than this ends the process at once; an earlier one belongs to the same key
 * press.
 */
const SAME_REQUEST_MS = 300;

export interface Interruptions {
  /**
   * Aborted at the first SIGINT, SIGTERM or SIGHUP, so that the command can leave nothing behind;
   * the next one ends the process.
   */
  readonly signal: AbortSignal;
  readonly abort: () => void;
  /** Sends SIGINT to `handler` instead, until the returned function is called. */
  readonly divertInterrupts: (handler: () => void) => () => void;
}

export function interruptions(): Interruptions {
  const controller = new AbortController();
  let diverted: (() => void) | undefined;
  let firstMs: number | undefined;
  const interrupt = (): void => {
    const nowMs = performance.now();
    if (firstMs !== undefined && nowMs - firstMs > SAME_REQUEST_MS) process.exit(EXIT.interrupted);
    firstMs ??= nowMs;
    controller.abort();
  };
  process.on('SIGINT', () => (diverted === undefined ? interrupt() : diverted()));
  for (const name of ['SIGTERM', 'SIGHUP'] as const) process.on(name, interrupt);
  return {
    signal: controller.signal,
    abort: () => controller.abort(),
    divertInterrupts: (handler) => {
      diverted = handler;
      return () => {
        diverted = undefined;
      };
    },
  };
}

/**
 * Calls `onClosed` when the reader of the stream closes it, as `| head` does. The returned function
 * reports whether that has happened. Other errors of the stream are thrown.
 */
export function onReaderClosed(stream: NodeJS.WriteStream, onClosed: () => void): () => boolean {
  let closed = false;
  stream.on('error', (error) => {
    const code = systemCode(error);
    // EIO: the terminal was closed.
    if (code !== 'EPIPE' && code !== 'EIO') throw error;
    closed = true;
    onClosed();
  });
  return () => closed;
}
