/**
 * Chooses one of two connections between the same two hosts, which exist when each host has
 * connected with the other. Both hosts choose the same one without asking each other: the rule
 * depends only on their names and on which host made the connection. Called by `peers.ts`. Pure: no
 * I/O.
 */

export interface Candidate {
  /** Name of the host that has made the connection. */
  readonly caller: string;
  /** Random identifier of the present start of the other host's server. */
  readonly instance: string;
}

export type Choice =
  /** The present connection stays, the new one is closed. */
  | 'present'
  /** The new connection replaces the present one. */
  | 'new'
  /** Two hosts have the same name. */
  | 'conflict';

/** `own` and `peer`: names of the two hosts. */
export function choose(own: string, peer: string, present: Candidate, candidate: Candidate): Choice {
  if (present.instance !== candidate.instance) return 'conflict';
  // The same caller again has lost the present connection, which this end has not noticed yet.
  if (present.caller === candidate.caller) return 'new';
  return candidate.caller === (own < peer ? own : peer) ? 'new' : 'present';
}
