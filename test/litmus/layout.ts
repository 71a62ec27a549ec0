/**
 * The memory that two litmus processes share: control words, then instances. Used by both sides of
 * `npm run litmus`. Pure.
 *
 * ```
 *    0  barrier of process 0 │ 64  barrier of process 1 │ 128  number of the shape │ 192  stop
 * 4096  instances of 256 bytes: x │ 64 y │ 128 r0 of process 0 │ 136 r1 │ 192 r0 of process 1 │ 200 r1
 * ```
 */
/** Places of the control words: 64 bytes apart, each in a cache line of its own. */
export const CONTROL = { barrier: [0, 64], shape: 128, stop: 192 } as const;
/** Enough to keep both processes busy between two barriers. */
export const INSTANCES = 4_096;
export const INSTANCE_BYTES = 256;
export const INSTANCE = { x: 0, y: 64, results: [128, 192] } as const;
const FIRST_INSTANCE = 4_096;
/** Size of the shared file. */
export const SHARED_BYTES = FIRST_INSTANCE + INSTANCES * INSTANCE_BYTES;

/** Place of an instance in the shared memory. */
export function instanceOffset(index: number): number {
  return FIRST_INSTANCE + index * INSTANCE_BYTES;
}
