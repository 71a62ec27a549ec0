/** The bytes that this process really holds. Used by tests of bounded memory. Collects garbage. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Heap and buffers in use after a garbage collection. */
export function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect(); // what finalizers of the first have released
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
