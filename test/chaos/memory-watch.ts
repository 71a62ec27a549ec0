/**
 * Memory growth of long-lived processes over a chaos run: the medians of the first and of the last
 * tenth of the samples. Reads /proc.
 */
import { readFileSync } from 'node:fs';

export interface MemoryTrend {
  /** Resident memory without shared pages, since mapped flow files belong to several processes. */
  readonly firstTenthMiB: number;
  readonly lastTenthMiB: number;
  readonly growthPercent: number;
  readonly samples: number;
}

export class MemoryWatch {
  readonly #samples = new Map<string, number[]>();

  /** Samples a process under its role's name; a process that has ended is ignored. */
  sample(role: string, pid: number | undefined): void {
    const mib = pid === undefined ? undefined : ownMiB(pid);
    if (mib === undefined) return;
    const samples = this.#samples.get(role) ?? [];
    this.#samples.set(role, samples);
    samples.push(mib);
  }

  summary(): Record<string, MemoryTrend> {
    return Object.fromEntries([...this.#samples].map(([role, samples]) => [role, trendOf(samples)]));
  }
}

export function trendOf(samples: readonly number[]): MemoryTrend {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const first = medianOf(samples.slice(0, tenth));
  const last = medianOf(samples.slice(-tenth));
  return {
    firstTenthMiB: round(first),
    lastTenthMiB: round(last),
    growthPercent: round(first === 0 ? 0 : ((last - first) / first) * 100),
    samples: samples.length,
  };
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function ownMiB(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const [resident, shared] = [/VmRSS:\s+(\d+) kB/, /RssShmem:\s+(\d+) kB/].map(
      (line) => line.exec(status)?.[1],
    );
    return resident === undefined || shared === undefined
      ? undefined
      : (Number(resident) - Number(shared)) / 1024;
  } catch {
    return undefined;
  }
}
