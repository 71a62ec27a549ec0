/**
 * The sum of a spectrum or of a region of it over recorded time, in the recording thread. Reads one
 * file after the other, and gives way to other requests between two sums.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bindings, channelsOf, type Binding } from '../../../protocol/spectcl/display-memory.js';
import { Recording } from '../../../recorder/read/recording.js';
import { clampRange, regionStatistics } from '../derive.js';
import type { ReadTrend, TrendRequest } from './past-messages.js';
import { SPECTRA, type FileList, type RecordedFile } from './recorded-files.js';

/** Throws FILE_CORRUPT, and the reason of `signal` when it is aborted. */
export async function readTrend(
  { files }: FileList,
  request: TrendRequest,
  signal: AbortSignal,
): Promise<ReadTrend> {
  const { points, fromMs, toMs } = request;
  const sums: (number | null)[] = Array.from({ length: points }, () => null);
  const timesNs = sums.map((_, index) => (fromMs + ((index + 1) * (toMs - fromMs)) / points) * 1e6);
  const stepNs = ((toMs - fromMs) / points) * 1e6;
  for (const file of files) {
    // The step in which the file ends has its last sum, unless the next file has a newer one.
    const within = timesNs.flatMap((atNs, index) =>
      atNs >= file.startNs && atNs < file.endNs + stepNs ? [index] : [],
    );
    if (within.length > 0) await readFile(file, within, timesNs, request, sums, signal);
  }
  return { sums };
}

async function readFile(
  { path, keyFrames }: RecordedFile,
  within: readonly number[],
  timesNs: readonly number[],
  request: TrendRequest,
  sums: (number | null)[],
  signal: AbortSignal,
): Promise<void> {
  const recording = new Recording([path]);
  try {
    const cursor = recording.cursor(SPECTRA);
    // From key frame to key frame where that skips what was recorded between two sums.
    const skips = keyFrames > within.length;
    for (const index of within) {
      const atNs = timesNs[index] ?? 0;
      const publication = skips ? recording.publicationAt(SPECTRA, atNs) : cursor.moveTo(atNs);
      if (publication !== undefined) sums[index] = sumIn(publication.memory, request);
      await nextTurn();
      signal.throwIfAborted();
    }
  } finally {
    recording.close();
  }
}

/** Null where the spectrum is not defined. */
function sumIn(memory: Buffer, { spectrum, region }: TrendRequest): number | null {
  const binding = bindings(memory).find(({ name }) => name === spectrum);
  if (binding === undefined || !isWithin(memory, binding)) return null;
  const { xchans, ychans } = binding;
  const grid = { values: channelsOf(memory, binding), xchans, ychans };
  const x = region === undefined ? ([0, xchans] as const) : clampRange(region.x, xchans);
  const y = region?.y === undefined ? ([0, ychans] as const) : clampRange(region.y, ychans);
  return regionStatistics(grid, x, y).sum;
}

function isWithin(memory: Buffer, { byteOffset, byteLength }: Binding): boolean {
  return byteOffset + byteLength <= memory.byteLength;
}
