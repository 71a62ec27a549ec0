/**
 * Display memories that `spectcl` measures with, filled with spectra so that nearly all of a memory
 * is used and transferred.
 */
import { startSimulatorProcess, type BenchSimulator } from './system.js';

const MIB = 2 ** 20;

export interface SpectclSize {
  readonly title: string;
  readonly bytes: number;
  /** Spectra that share the memory; each has at most 256 KiB. */
  readonly fillers: number;
  readonly ringBytes: number;
  /** Usual number of repetitions. */
  readonly repetitions: number;
  /** Of one measurement back to back. */
  readonly measureMs: number;
}

const SMALL = {
  title: '8 MiB', bytes: 8 * MIB, fillers: 400, ringBytes: 64 * MIB, repetitions: 5, measureMs: 2_000,
} as const; // prettier-ignore
const MIDDLE = {
  title: '64 MiB', bytes: 64 * MIB, fillers: 3_000, ringBytes: 512 * MIB, repetitions: 5, measureMs: 2_000,
} as const; // prettier-ignore
/** A ring of three slots, the fewest; an update takes some tenths of a second. */
const LARGE = {
  title: '512 MiB', bytes: 512 * MIB, fillers: 3_000, ringBytes: 0, repetitions: 2, measureMs: 5_000,
} as const; // prettier-ignore

export const SPECTCL_SIZES: readonly SpectclSize[] = [SMALL, MIDDLE, LARGE];
/** Those whose update takes less than half of the interval that is measured. */
export const STEADY_SIZES: readonly SpectclSize[] = [SMALL, MIDDLE];

/**
 * A SpecTcl with a memory of this size; `rate` 0 is one that never changes, more one that changes
 * every 20 ms.
 */
export async function startSpectcl({ bytes, fillers }: SpectclSize, rate: number): Promise<BenchSimulator> {
  return startSimulatorProcess([
    '--memory', String(bytes / MIB), '--spectra', String(fillers), '--no-checksum', '--rate', String(rate), '--interval', '20',
  ]); // prettier-ignore
}
