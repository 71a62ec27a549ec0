/**
 * Rates of processes that move buffers: two samples of each, on its own clock, a measured time
 * apart.
 */
import { perSecond } from '../protocol/base/rates.js';
import { type BenchProcess, stopAll } from './bench-process.js';
import type { Sample } from './programs/sample.js';
import { cpuSeconds, pause } from './system.js';

/**
 * Compilers have optimised by then: eight processes that share two cores take turns at that, too.
 */
const WARM_UP_MS = 5_000;

export interface Rates {
  /** Buffers a second of the median process. */
  readonly buffersEach: number;
  /** Bytes a second of all together. */
  readonly bytesTogether: number;
  /**
   * Nanoseconds of processor time of all processes, `beside` included, per buffer that one process
   * got.
   */
  readonly cpuNsPerBuffer: number;
}

/** `receivers` are asked for samples; the processes of `beside` count for processor time only. */
export async function measureRates(
  receivers: readonly BenchProcess[],
  beside: readonly number[],
  durationMs: number,
): Promise<Rates> {
  await pause(WARM_UP_MS);
  const pids = [...receivers.map((receiver) => receiver.pid), ...beside];
  const cpuBefore = pids.map(cpuSeconds);
  const before = await Promise.all(receivers.map((receiver) => receiver.ask<Sample>('sample')));
  await pause(durationMs);
  const after = await Promise.all(receivers.map((receiver) => receiver.ask<Sample>('sample')));
  const cpu = pids.reduce((sum, pid, index) => sum + cpuSeconds(pid) - (cpuBefore[index] ?? 0), 0);
  const each: number[] = [];
  let bytesTogether = 0;
  let buffers = 0;
  for (const [index, end] of after.entries()) {
    const begin = before[index];
    if (begin === undefined) continue;
    const elapsedMs = end.atMs - begin.atMs;
    each.push(perSecond(end.buffers - begin.buffers, elapsedMs));
    bytesTogether += perSecond(end.bytes - begin.bytes, elapsedMs);
    buffers += (end.buffers - begin.buffers) / receivers.length;
  }
  each.sort((a, b) => a - b);
  return {
    buffersEach: each[Math.floor(each.length / 2)] ?? 0,
    bytesTogether,
    cpuNsPerBuffer: (cpu * 1e9) / buffers,
  };
}

/** Measures and ends the programs, also when measuring fails. */
export async function ratesOf(
  programs: { readonly receivers: readonly BenchProcess[]; readonly others: readonly BenchProcess[] },
  beside: readonly number[],
  durationMs: number,
): Promise<Rates> {
  const { receivers, others } = programs;
  try {
    return await measureRates(receivers, [...others.map(({ pid }) => pid), ...beside], durationMs);
  } finally {
    await stopAll([...receivers, ...others]);
  }
}
