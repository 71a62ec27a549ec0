/**
 * The sizes of display memory that `spectcl` measures. Each memory is filled with spectra, so that
 * nearly all of it is used and transferred. Constants, and a function that starts the simulator.
 */
import { startSimulatorProcess, type BenchSimulator } from './system.js';

const MIB = 2 ** 20;

export interface SpectclSize {
  readonly title: string;
  readonly bytes: number;
  /** Number of spectra that share the memory; each has at most 256 KiB. */
  readonly spectra: number;
  readonly ringBytes: number;
  /** Default number of repetitions. */
  readonly repetitions: number;
  /** Milliseconds of one measurement back to back. */
  readonly measureMs: number;
}

const SMALL = {
  title: '8 MiB', bytes: 8 * MIB, spectra: 400, ringBytes: 64 * MIB, repetitions: 5, measureMs: 2_000,
} as const; // prettier-ignore
const MIDDLE = {
  title: '64 MiB', bytes: 64 * MIB, spectra: 3_000, ringBytes: 512 * MIB, repetitions: 5, measureMs: 2_000,
} as const; // prettier-ignore
/** The ring has three slots, the minimum; an update takes some tenths of a second. */
const LARGE = {
  title: '512 MiB', bytes: 512 * MIB, spectra: 3_000, ringBytes: 0, repetitions: 2, measureMs: 5_000,
} as const; // prettier-ignore

export const SPECTCL_SIZES: readonly SpectclSize[] = [SMALL, MIDDLE, LARGE];
/** Sizes whose update takes less than half of the interval of `spectcl-period.ts`. */
export const STEADY_SIZES: readonly SpectclSize[] = [SMALL, MIDDLE];

/**
 * Starts a simulated SpecTcl with a memory of this size. `rate` is in counts a second, added every
 * 20 ms; with 0 the memory never changes.
 */
export async function startSpectcl({ bytes, spectra }: SpectclSize, rate: number): Promise<BenchSimulator> {
  return startSimulatorProcess([
    '--memory', String(bytes / MIB), '--spectra', String(spectra), '--no-checksum', '--rate', String(rate), '--interval', '20',
  ]); // prettier-ignore
}
