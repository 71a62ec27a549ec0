/**
 * Limits the resident garbage of a server: V8 lets the young generation grow to 16 MiB before it
 * collects it, and a server that answers calls keeps several times as much. Few objects of these
 * processes live long, so frequent collections cost little. Servers call it when they are ready.
 *
 * It is no option of the command line: with any V8 option there Node compiles its own modules again
 * at each start, which takes a fifth of the start. Changes a flag of this process.
 */
import { setFlagsFromString } from 'node:v8';

/** The young generation keeps its initial size, 1 MiB. */
const NO_GROWTH = '--semi-space-growth-factor=1';
const DEFAULT_GROWTH = '--semi-space-growth-factor=2';

export function limitYoungGeneration(): void {
  setFlagsFromString(NO_GROWTH);
}

/** Runs `work` with the flags with which Node has started. */
export function withDefaultFlags(work: () => void): void {
  setFlagsFromString(DEFAULT_GROWTH);
  try {
    work();
  } finally {
    limitYoungGeneration();
  }
}
