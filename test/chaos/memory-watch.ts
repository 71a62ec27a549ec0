/**
 * Memory of long-lived processes over a chaos run: the median of the first and of the last tenth of
 * the samples, so that a leak shows as growth. `run.ts` samples with it. Reads /proc.
 */
import { readFileSync } from 'node:fs';
import { median } from '../../bench/report.js';

export interface MemoryTrend {
  /** MiB of resident memory without flow files, which all processes that map them share. */
  readonly firstTenthMiB: number;
  readonly lastTenthMiB: number;
  readonly growthPercent: number;
  readonly samples: number;
}

export class MemoryWatch {
  readonly #samples = new Map<string, number[]>();

  /** Takes a sample of a process under the name of its role; none when the process has ended. */
  sample(role: string, pid: number | undefined): void {
    const mib = pid === undefined ? undefined : privateMiB(pid);
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
  const first = median(samples.slice(0, tenth));
  const last = median(samples.slice(-tenth));
  return {
    firstTenthMiB: round(first),
    lastTenthMiB: round(last),
    growthPercent: round(first === 0 ? 0 : ((last - first) / first) * 100),
    samples: samples.length,
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function privateMiB(pid: number): number | undefined {
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
