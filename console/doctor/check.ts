/**
 * The shapes of a check of `mirrorflow doctor` and of its findings.
 *
 * `machine.ts` and `running.ts` define the checks, `commands/doctor.ts` runs them. Types and
 * constructors only.
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
