/**
 * A full garbage collection of this thread, for which V8 has no public call. Servers collect when
 * they are idle; the client library when it has left a mapped file, whose memory stays in use until
 * the objects that map it are collected, also when the file is removed. Changes flags of V8 for the
 * time of the call.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A program that opens the same flow again within this time finds it mapped. */
const COLLECT_AFTER_MS = 1_000;

let scheduled: NodeJS.Timeout | undefined;

/** Once within COLLECT_AFTER_MS, however often it is called. Keeps no process alive. */
export function collectGarbageSoon(): void {
  scheduled ??= setTimeout(() => {
    scheduled = undefined;
    collectGarbage();
  }, COLLECT_AFTER_MS).unref();
}

/**
 * From Node 22 on, V8 also gives free pages back when it is asked to collect as a last resort;
 * before, it takes any options for those of a small collection. Only contexts that are created
 * while the option is set have the function.
 */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  try {
    const collect = runInNewContext('gc') as (options?: object) => void;
    if (Number.parseInt(process.versions.node, 10) < 22) collect();
    else collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  } finally {
    setFlagsFromString('--no-expose-gc'); // the flag is the whole process's
  }
}
