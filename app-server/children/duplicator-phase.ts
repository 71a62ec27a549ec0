/**
 * The phases in the life of a flow's duplicator, and what leads from one to the next.
 *
 * | phase     | event                               | next |
 * | --------- | ----------------------------------- | ---- |
 * | idle      | somebody asks                       | starting |
 * | starting  | a living process owns the flow file | expecting |
 * | starting  | it reports ready                    | running |
 * | starting  | it fails                            | failed; delayed while others have the flow open |
 * | expecting | the owner subscribes                | running |
 * | expecting | it does not in time                 | failed |
 * | expecting | it ends                             | idle; starting when somebody asks |
 * | running   | it ends                             | idle; delayed while somebody has the flow open; failed after too many |
 * | running   | released, retired                   | stopping |
 * | stopping  | it ends                             | idle; starting when somebody asks |
 * | delayed   | the delay is over                   | starting |
 * | delayed   | nobody has the flow open any more   | idle |
 * | failed    | somebody asks                       | starting |
 * | any but running, stopping | an owner subscribes | running; stopping when it does not fit |
 * | any       | the app server ends                 | closed |
 */
import type { DuplicatorReady, FlowState } from '../../protocol/rpc/contract/shapes.js';
import type { DuplicatorHandle, StartedDuplicator } from './duplicator-handle.js';

export type Phase =
  | { readonly kind: 'idle' }
  | Starting
  | { readonly kind: 'expecting'; readonly cancel: () => void }
  | { readonly kind: 'running'; readonly handle: DuplicatorHandle; readonly ready: DuplicatorReady }
  | { readonly kind: 'stopping'; readonly handle: DuplicatorHandle; readonly cancel: () => void }
  | { readonly kind: 'delayed'; readonly cancel: () => void }
  | { readonly kind: 'failed' }
  | { readonly kind: 'closed' };

/** `own` is there when the processes before it have ended. */
export interface Starting {
  readonly kind: 'starting';
  own?: StartedDuplicator;
}

/** What people are shown of each. */
export const STATE_OF_PHASE: Record<Phase['kind'], FlowState> = {
  idle: 'idle',
  starting: 'starting',
  expecting: 'starting',
  running: 'running',
  stopping: 'stopping',
  delayed: 'starting',
  failed: 'failed',
  closed: 'stopping',
};
