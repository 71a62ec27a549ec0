/**
 * What happens to the process of a command from outside: signals, and an output that nobody reads
 * any more.
 */
import { systemCode } from '../protocol/base/errors.js';
import { EXIT } from './exit-codes.js';

/**
 * A second signal this long after the first ends the process at once; sooner, it is the same key
 * press twice.
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
 * Calls `gone` when the reader of the stream has left (`| head`); the returned function tells
 * whether it has.
 */
export function endWithReader(stream: NodeJS.WriteStream, gone: () => void): () => boolean {
  let left = false;
  stream.on('error', (error) => {
    const code = systemCode(error);
    // EIO: the terminal was closed.
    if (code !== 'EPIPE' && code !== 'EIO') throw error;
    left = true;
    gone();
  });
  return () => left;
}
