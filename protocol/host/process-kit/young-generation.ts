/**
 * What garbage a server keeps resident. V8 lets young objects take 16 MiB by default before it
 * looks which are alive, of which a server that answers calls keeps several times as much. Little
 * of what these processes make lives on, so that looking oftener costs them nothing to speak of.
 *
 * Said when a process is ready and not on its command line: with any V8 option there Node refuses
 * its own compiled modules, and compiles them anew at each start, which takes a fifth of it.
 */
import { setFlagsFromString } from 'node:v8';

/** The room that young objects have does not grow beyond what it is; 1 MiB at the start. */
const AS_IT_IS = '--semi-space-growth-factor=1';

export function limitYoungGeneration(): void {
  setFlagsFromString(AS_IT_IS);
}
