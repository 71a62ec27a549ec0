/**
 * Watches a process of an earlier parent that is expected to connect, without a connection to it:
 * its owner polls, for seconds at most, whether it still lives. Touches the clock and, through
 * `Predecessor`, the record or file that names the process.
 */
import type { Clock } from '../../base/clock.js';
import type { Predecessor, SupervisedEnd } from './supervisor-options.js';

/** Short, since callers wait for the result. */
export const PREDECESSOR_POLL_MS = 20;

/** Calls `onEnd` once, when the process has ended or is late. Returns the function that cancels. */
export function watchPredecessor(
  predecessor: Predecessor,
  clock: Clock,
  onEnd: (end: SupervisedEnd) => void,
): () => void {
  const untilMs = clock.nowMs() + predecessor.connectsWithinMs;
  let cancel = (): void => undefined;
  const pollLater = (): void => {
    cancel = clock.after(PREDECESSOR_POLL_MS, () => {
      const pid = predecessor.pid();
      if (pid === undefined) onEnd({ kind: 'predecessor-ended' });
      else if (clock.nowMs() < untilMs) pollLater();
      else onEnd({ kind: 'predecessor-late', cause: predecessor.lateError(pid) });
    });
  };
  pollLater();
  return () => cancel();
}
