/**
 * Chooses the epoch of a new flow file, the number that distinguishes its sequences from those of
 * every earlier file of the flow: microseconds since 1970, and larger than any epoch that this flow
 * directory has had, even when the clock was set back. Called by obtain-file.ts. Keeps the last
 * epoch in the page of the directory's lock file.
 */
import { join } from 'node:path';
import { withLock } from '../../protocol/base/files/claim-lock.js';
import { LOCK_NAME } from '../../protocol/base/files/claim.js';
import { Words } from '../../protocol/flow/flow-file/words.js';

/** Offset of the last epoch in the page, bytes. */
const LAST_EPOCH = 0;
const MICROSECONDS_PER_MS = 1000;
/** Larger words are damage: microseconds from 1970 to the year 2100. */
const EPOCH_MAX = 4_102_444_800_000_000;

/**
 * `replaced`: the epoch of the file that is replaced, where it is known. `nowMs`: wall-clock
 * milliseconds since 1970. Throws what locking `flowDirectory` throws.
 */
export function nextEpoch(flowDirectory: string, replaced = 0, nowMs = Date.now()): number {
  return withLock(join(flowDirectory, LOCK_NAME), (page) => {
    const words = new Words(page);
    const plausible = [words.load64(LAST_EPOCH), replaced].filter((epoch) => epoch < EPOCH_MAX);
    const epoch = Math.max(Math.round(nowMs) * MICROSECONDS_PER_MS, ...plausible.map((last) => last + 1));
    words.store64(LAST_EPOCH, epoch);
    return epoch;
  });
}
