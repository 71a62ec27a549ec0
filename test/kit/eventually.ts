/**
 * Waits for a condition that no event announces, by polling. Used by tests of every part; nothing
 * is right because of its timing: only a failing test reaches the deadline.
 */

/** Below the limits of mocha (see .mocharc*.json), so that the error can name the condition. */
export const DEADLINE_MS = 90_000;
const POLL_MS = 5;

/**
 * Resolves with the value of `condition` as soon as that is neither undefined, null nor false.
 * Rejects with the error that `condition` throws, and after the deadline with `what`, the name of
 * the condition ("the flow is live"); without it with the source text of the condition.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  what = condition.toString(),
  deadlineMs = DEADLINE_MS,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
