/** A full garbage collection of this thread, which V8 has no public call for. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  setFlagsFromString('--no-expose-gc'); // it is the whole process's: contexts that the user makes have none
  collect();
}
