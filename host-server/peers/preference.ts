/**
 * Which of two connections between the same two hosts is used. Both hosts decide alike without
 * asking each other, since the rule looks at nothing but names and who called. Pure.
 */

export interface Candidate {
  /** Name of the host that has made the connection. */
  readonly caller: string;
  /** Of the other host's present start. */
  readonly instance: string;
}

export type Choice =
  /** The present connection stays, the new one is closed. */
  | 'present'
  /** The new one takes its place. */
  | 'new'
  /** Two hosts have the same name. */
  | 'conflict';

export function choose(own: string, peer: string, present: Candidate, fresh: Candidate): Choice {
  if (present.instance !== fresh.instance) return 'conflict';
  // The same caller again: it has lost the present connection and this end has not seen that yet.
  if (present.caller === fresh.caller) return 'new';
  return fresh.caller === (own < peer ? own : peer) ? 'new' : 'present';
}
