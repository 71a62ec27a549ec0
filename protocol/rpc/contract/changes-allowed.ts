/**
 * Whether an application allows changes of its SpecTcl: the one rule for its gateway and the
 * viewer. The app server applies it, to the options of the gateway and in `app.info`. Pure.
 */
import type { ApplicationOptions } from './shapes.js';

/**
 * `allowChanges` of the gateway where it is given, else that of the application; without both
 * nothing changes SpecTcl.
 */
export function changesAllowed({
  allowChanges,
  gateway,
}: Pick<ApplicationOptions, 'allowChanges' | 'gateway'>): boolean {
  return gateway?.allowChanges ?? allowChanges ?? false;
}
