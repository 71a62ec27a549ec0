/**
 * Decides once per process how words.ts accesses memory that other processes map. Pure but for
 * process.versions and one environment variable; nothing is measured here.
 *
 * Plain accesses cost a part of an instruction, atomic ones some 10 ns, and a slot needs a dozen.
 * The processor (x86-64: loads stay among loads, stores among stores) and V8's compiler must both
 * keep their order. Litmus programs show it (test/litmus); what they have not shown uses Atomics.
 */
import { PROVEN_ORDER } from './memory-order-table.js';

export type MemoryAccess = 'plain' | 'atomic';

/** Forces a way of access: `atomic` is always right, `plain` is for litmus programs. */
const VARIABLE = 'MIRRORFLOW_MEMORY_ACCESS';

/** The way for a V8 version (`13.6.233.17-node.63`) and processor: plain where it is proven. */
export function provenAccess(v8: string, arch: string): MemoryAccess {
  const [major, minor] = v8.split('.');
  const proven = PROVEN_ORDER.some((row) => row.v8 === `${major}.${minor}` && row.arch === arch);
  return proven ? 'plain' : 'atomic';
}

/** The way of this process. Any value of the variable but the two is ignored. */
export function memoryAccess(env: Readonly<Record<string, string | undefined>> = process.env): MemoryAccess {
  const forced = env[VARIABLE];
  if (forced === 'plain' || forced === 'atomic') return forced;
  return provenAccess(process.versions.v8, process.arch);
}
