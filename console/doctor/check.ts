/**
 * The shapes of a check of `mirrorflow doctor` and of its findings.
 *
 * The files beside it define the checks, `commands/doctor.ts` runs them. Types and constructors
 * only.
 */
import type { Environment } from '../../protocol/base/paths.js';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  /** The state that the check has found, as a sentence. */
  readonly found: string;
  /** What to do about the finding. */
  readonly mend?: string;
}

/** What a check may use. */
export interface CheckContext {
  readonly env: Environment;
  /** Effective user id. */
  readonly uid: number;
  /** Runtime directory given by `--directory`. */
  readonly directory: string | undefined;
  /** Address given by `--spectcl`. */
  readonly spectcl: string | undefined;
  readonly signal: AbortSignal;
  /**
   * The user who controls the host server that runs; undefined when none runs, or when this user
   * may control it too.
   */
  readonly controller: string | undefined;
}

export interface Check {
  readonly title: string;
  /** An error that it throws becomes a finding of state `fail`. */
  run(context: CheckContext): Promise<Finding | readonly Finding[]>;
}

export function ok(found: string): Finding {
  return { state: 'ok', found };
}

export function warn(found: string, mend: string): Finding {
  return { state: 'warn', found, mend };
}

export function fail(found: string, mend: string): Finding {
  return { state: 'fail', found, mend };
}

/** A remedy that needs control of the host server: for all others, who can apply it. */
export function forController({ controller }: CheckContext, mend: string): string {
  return controller === undefined
    ? mend
    : `${controller} controls the host server and can mend this: \`mirrorflow doctor\` shows that user how`;
}
