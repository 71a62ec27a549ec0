/**
 * Makes a server small when it is ready, and its next start quick: limits the young generation,
 * keeps the compiled code, and collects garbage whenever the process is idle. Servers call it once.
 * Changes flags of V8 in this process; writes the code cache.
 */
import { getHeapStatistics } from 'node:v8';
import { systemClock } from '../../base/clock.js';
import { collectGarbage } from '../../base/collect-garbage.js';
import { keepCompiledCode } from './compiled-code/compiled-code.js';
import { collectWhenIdle } from './idle-collection.js';
import { limitYoungGeneration, withDefaultFlags } from './young-generation.js';

/** The first clients have been served, and the functions for that are compiled. */
const SETTLED_MS = 2_000;

export function settle(): void {
  limitYoungGeneration();
  systemClock.after(SETTLED_MS, () => withDefaultFlags(keepCompiledCode), true);
  const heapBytes = (): number => getHeapStatistics().used_heap_size;
  collectWhenIdle({ cpuMs, heapBytes, collect: collectGarbage }, systemClock);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
