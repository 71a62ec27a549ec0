/**
 * Where plain memory accesses were seen to keep the order that the flow file needs: written by
 * `npm run litmus -- --write`, read by memory-order.ts. Each row is a V8 version and a processor
 * with the number of litmus instances that ran without a forbidden outcome.
 */
export const PROVEN_ORDER: readonly ProvenOrder[] = [
  { v8: '11.3', arch: 'x64', instances: 122376192 },
  { v8: '12.4', arch: 'x64', instances: 119144448 },
  { v8: '13.6', arch: 'x64', instances: 123408384 },
  { v8: '14.6', arch: 'x64', instances: 212062208 },
];

export interface ProvenOrder {
  /** Major and minor version of V8: what compiles the accesses. */
  readonly v8: string;
  /** As process.arch. */
  readonly arch: string;
  readonly instances: number;
}
