/**
 * Skips a test, or from a `before` hook its suite, with the reason that `npm test` prints at its
 * end. Used wherever a test needs a program or a right that not every machine has.
 */
interface Skippable {
  skipReason?: string;
}

/** `context`: the `this` of the test or hook. Does not return: mocha's skip throws. */
export function skip(context: Mocha.Context, reason: string): never {
  const runnable = context.runnable();
  const isHook = (runnable as { type?: string }).type === 'hook';
  const place = isHook ? runnable.parent : runnable;
  if (place !== undefined) (place as Skippable).skipReason = reason;
  context.skip();
  throw new Error('mocha did not skip the test');
}
