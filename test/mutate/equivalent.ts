/**
 * Mutations that no test can notice, found by hand, each with the reason: the changed program does
 * the same as the original, or differs only in speed or in what people read. Used by the mutation
 * run, which does not count them. Pure.
 */
import type { MutationResult } from './results.js';

export interface Equivalent {
  readonly module: string;
  /** The lines as the report shows them. */
  readonly before: string;
  readonly after: string;
  readonly why: string;
}

export const EQUIVALENT: readonly Equivalent[] = [];

/** Why a mutation cannot be noticed; undefined when it must be. */
export function whyEquivalent({ module, before, after }: MutationResult): string | undefined {
  return EQUIVALENT.find(
    (known) => known.module === module && known.before === before && known.after === after,
  )?.why;
}
