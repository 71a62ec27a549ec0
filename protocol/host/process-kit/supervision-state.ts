/**
 * The states of a supervised child process and the events that lead from one to the next, as one
 * table. Pure: no process, clock or file. `Supervisor` (supervisor.ts) owns the process and asks
 * this table for every step; the owners of a supervisor (applications, flows, gateway, web viewer)
 * read its state.
 */

/**
 * | state     | meaning |
 * | --------- | ------- |
 * | idle      | no process runs, and none is to be started |
 * | starting  | a child is started, or is started as soon as the process before it has ended |
 * | expecting | a living process of an earlier parent (the predecessor) is to connect |
 * | running   | the process has reported that it is ready |
 * | stopping  | the process is being stopped, or ends by agreement |
 * | delayed   | the process died; the next start follows after a delay |
 * | failed    | the start failed, or the process died too often; only a request starts it again |
 * | closed    | the parent ends; nothing is started any more |
 */
export type SupervisionState =
  'idle' | 'starting' | 'expecting' | 'running' | 'stopping' | 'delayed' | 'failed' | 'closed';

/**
 * | event | cause |
 * | ----- | ----- |
 * | start | a request, the end of a delay, or a need that is left when a process has ended |
 * | expect | a living predecessor owns the place of the child |
 * | ready | the started child has reported that it is ready |
 * | adopt | a process that this parent has not started has reported that it is ready |
 * | stop  | a request to stop, or an adopted process that does not fit |
 * | retry | the process died or could not start, and the restart policy allows another start |
 * | rest  | the process ended and is not needed |
 * | fail  | the process died or could not start, and is not started again |
 * | close | the parent ends |
 */
export type SupervisionEvent =
  'start' | 'expect' | 'ready' | 'adopt' | 'stop' | 'retry' | 'rest' | 'fail' | 'close';

type Row = Readonly<Partial<Record<SupervisionEvent, SupervisionState>>>;

export const SUPERVISION_TABLE: Readonly<Record<SupervisionState, Row>> = {
  idle:      { start: 'starting', expect: 'expecting', adopt: 'running', stop: 'stopping', retry: 'delayed', fail: 'failed', close: 'closed' },
  starting:  { expect: 'expecting', ready: 'running', adopt: 'running', stop: 'stopping', retry: 'delayed', rest: 'idle', fail: 'failed', close: 'closed' },
  expecting: { start: 'starting', adopt: 'running', stop: 'stopping', retry: 'delayed', rest: 'idle', fail: 'failed', close: 'closed' },
  running:   { stop: 'stopping', retry: 'delayed', rest: 'idle', fail: 'failed', close: 'closed' },
  stopping:  { start: 'starting', rest: 'idle', close: 'closed' },
  delayed:   { start: 'starting', adopt: 'running', stop: 'stopping', rest: 'idle', close: 'closed' },
  failed:    { start: 'starting', expect: 'expecting', adopt: 'running', stop: 'stopping', close: 'closed' },
  closed:    {},
}; // prettier-ignore

/** Undefined for an event that has no meaning in `state`; it changes nothing. */
export function nextState(state: SupervisionState, event: SupervisionEvent): SupervisionState | undefined {
  return SUPERVISION_TABLE[state][event];
}
