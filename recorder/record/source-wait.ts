/**
 * What the recorder of a flow waits for, in words. The recorders of flows and mirrors use it. Pure.
 */
import type { InputFlow } from '../../client-lib/index.js';

/**
 * `flow`: undefined while it is not open, for the reason `cause`. Undefined while its source is
 * live.
 */
export function sourceWait(
  name: string,
  flow: Pick<InputFlow, 'sourceState'> | undefined,
  cause: string,
): string | undefined {
  if (flow === undefined) return `waiting for the source of ${name}: ${cause}`;
  const state = flow.sourceState;
  return state === 'live' ? undefined : `waiting for the source of ${name}, which is ${state}`;
}
