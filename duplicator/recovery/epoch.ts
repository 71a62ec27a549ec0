/**
 * The epoch of a new flow file: larger than any that was given in this flow directory before, also
 * when the clock was set back, so that nobody takes sequences of two files for each other.
 */
import { join } from 'node:path';
import { withLock } from '../../protocol/base/files/claim-lock.js';
import { LOCK_NAME } from '../../protocol/base/files/claim.js';
import { Words } from '../../protocol/flow/flow-file/words.js';

/** Where the last one stands in the page of the flow directory's lock. */
const LAST_EPOCH = 0;
const MICROSECONDS_PER_MS = 1000;
/** A word beyond this is no epoch that was ever given: microseconds of the year 2100. */
const EPOCH_MAX = 4_102_444_800_000_000;

/**
 * `dead`: the epoch of the file that is replaced, where it is known. `nowMs`: wall-clock
 * milliseconds since 1970.
 */
export function nextEpoch(flowDirectory: string, dead = 0, nowMs = Date.now()): number {
  return withLock(join(flowDirectory, LOCK_NAME), (page) => {
    const words = new Words(page);
    const believable = [words.load64(LAST_EPOCH), dead].filter((epoch) => epoch < EPOCH_MAX);
    const epoch = Math.max(Math.round(nowMs) * MICROSECONDS_PER_MS, ...believable.map((last) => last + 1));
    words.store64(LAST_EPOCH, epoch);
    return epoch;
  });
}
