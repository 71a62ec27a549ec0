/**
 * Makes a server small when it is ready, and its next start quick: limits the young generation,
 * keeps the compiled code, and collects garbage whenever the process is idle. Servers call it once.
 * Changes flags of V8 in this process; writes the code cache.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../../base/clock.js';
import { keepCompiledCode } from './compiled-code/compiled-code.js';
import { collectWhenIdle } from './idle-collection.js';
import { limitYoungGeneration, withDefaultFlags } from './young-generation.js';

/** The first clients have been served, and the functions for that are compiled. */
const SETTLED_MS = 2_000;

export function settle(): void {
  limitYoungGeneration();
  systemClock.after(SETTLED_MS, () => withDefaultFlags(keepCompiledCode), true);
  collectWhenIdle({ cpuMs, heapBytes: () => getHeapStatistics().used_heap_size, collect }, systemClock);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Collects all garbage. From Node 22 on, V8 also gives free pages back when it is asked to collect
 * as a last resort; before, it takes any options for those of a small collection. Only contexts
 * that are created while the option is set have the function.
 */
function collect(): void {
  setFlagsFromString('--expose-gc');
  try {
    const collectGarbage = runInNewContext('gc') as (options?: object) => void;
    if (Number.parseInt(process.versions.node, 10) < 22) collectGarbage();
    else collectGarbage({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}
