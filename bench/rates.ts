/**
 * Rates and processor time of programs that move buffers, from two samples of each program a
 * measured time apart. `fanout` and its peers use it. Reads /proc and stops the programs that it
 * measured.
 */
import { perSecond } from '../protocol/base/rates.js';
import { type BenchProcess, stopAll } from './bench-process.js';
import type { Sample } from './programs/sample.js';
import { cpuSeconds, pause } from './system.js';

/** Time for the compilers of all processes to optimise; eight processes may share two cores. */
const WARM_UP_MS = 5_000;

export interface Rates {
  /** Buffers a second of the median receiver. */
  readonly buffersEach: number;
  /** Bytes a second of all receivers together. */
  readonly bytesTogether: number;
  /** Processor time of all processes in nanoseconds per buffer that one receiver got. */
  readonly cpuNsPerBuffer: number;
}

/** Samples the receivers; the processes `otherPids` count for processor time only. */
export async function measureRates(
  receivers: readonly BenchProcess[],
  otherPids: readonly number[],
  durationMs: number,
): Promise<Rates> {
  await pause(WARM_UP_MS);
  const pids = [...receivers.map((receiver) => receiver.pid), ...otherPids];
  const cpuBefore = pids.map(cpuSeconds);
  const before = await Promise.all(receivers.map((receiver) => receiver.request<Sample>('sample')));
  await pause(durationMs);
  const after = await Promise.all(receivers.map((receiver) => receiver.request<Sample>('sample')));
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

/** Measures, then stops the programs, also when measuring fails. */
export async function measureRatesAndStop(
  programs: { readonly receivers: readonly BenchProcess[]; readonly others: readonly BenchProcess[] },
  otherPids: readonly number[],
  durationMs: number,
): Promise<Rates> {
  const { receivers, others } = programs;
  try {
    return await measureRates(receivers, [...others.map(({ pid }) => pid), ...otherPids], durationMs);
  } finally {
    await stopAll([...receivers, ...others]);
  }
}
