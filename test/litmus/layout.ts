/**
 * The memory that two litmus processes share: control words, then instances. Used by both sides of
 * `npm run litmus`. Pure.
 *
 * ```
 *    0  round of process 0 │ 64  round of process 1 │ 128  number of the shape │ 192  stop
 * 4096  instances of 256 bytes: x │ 64 y │ 128 r0 of process 0 │ 136 r1 │ 192 r0 of process 1 │ 200 r1
 * ```
 */
export const CONTROL = { round: [0, 64], shape: 128, stop: 192 } as const;
export const INSTANCES = 4_096;
export const INSTANCE_BYTES = 256;
export const INSTANCE = { x: 0, y: 64, results: [128, 192] } as const;
const FIRST_INSTANCE = 4_096;
export const SHARED_BYTES = FIRST_INSTANCE + INSTANCES * INSTANCE_BYTES;

export function instanceOffset(index: number): number {
  return FIRST_INSTANCE + index * INSTANCE_BYTES;
}
