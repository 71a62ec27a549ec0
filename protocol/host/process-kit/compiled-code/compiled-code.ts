/**
 * How a program that has settled has its compiled code kept: by the launcher, which is a bundle of
 * its own, so that the two meet at a property of the process. Used by the launcher and by programs.
 */
const KEEP = Symbol.for('mirrorflow.keep-compiled-code');

interface WithKeep {
  [KEEP]?: () => void;
}

/** For the launcher. */
export function offerCompiledCode(keep: () => void): void {
  (globalThis as WithKeep)[KEEP] = keep;
}

/**
 * Keeps the code of all functions that have run until now. V8 compares its flags: they must be
 * those of a start. Does nothing when the code is kept already, and without a launcher.
 */
export function keepCompiledCode(): void {
  const keep = (globalThis as WithKeep)[KEEP];
  delete (globalThis as WithKeep)[KEEP];
  keep?.();
}
