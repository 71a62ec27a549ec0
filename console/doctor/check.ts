/** What a check of `mirrorflow doctor` is, and finds. */
import type { Environment } from '../../protocol/base/paths.js';

export interface Finding {
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found, in plain words. */
  readonly found: string;
  /** What to do about it. */
  readonly mend?: string;
}

export interface Patient {
  readonly env: Environment;
  /** Effective user id. */
  readonly uid: number;
  /** Runtime directory that was asked for. */
  readonly directory: string | undefined;
  /** A SpecTcl that was asked for. */
  readonly spectcl: string | undefined;
  readonly signal: AbortSignal;
}

export interface Check {
  readonly title: string;
  /** May throw: then what was thrown is the finding. */
  run(patient: Patient): Promise<Finding | readonly Finding[]>;
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
