/**
 * A lock between processes that is released by the death of its holder: one word in a small mapped
 * file, changed only by compare-and-exchange. The word identifies the holder by process id and
 * start time. A waiting process recognises a dead holder and replaces its identity; the exchange
 * lets exactly one waiting process succeed.
 *
 * Used to remove files of dead owners (`claim.ts`), to take over flow files, and to number epochs.
 * Creates the file, once per directory; the file is never removed, since processes that lock
 * different files of the same name would not exclude each other. Blocks the thread while it waits.
 */
import { closeSync, constants, linkSync, openSync, unlinkSync } from 'node:fs';
import { MirrorflowError, systemCode } from '../errors.js';
import { createAllocated } from './allocate.js';
import { mapFile } from './mapping.js';
import { isAlive, ownIdentity } from '../owner-identity.js';
import { temporaryName } from './temporary-name.js';

const LOCK_BYTES = 4096;
/** The page begins after the cache line of the word. */
const PAGE_OFFSET = 64;
const LOCK_MODE = 0o600;
/** Holding the lock takes microseconds: after this wait the holder must be stopped or foreign. */
const LOCK_WAIT_MS = 2_000;
const UNLOCKED = 0n;
/**
 * Linux process ids have at most 22 bits (proc(5), pid_max); the other 42 bits of the word hold a
 * start time in clock ticks since boot, enough for a thousand years.
 */
const PID_BITS = 22;

/**
 * Runs `action` while this process holds the lock at `path`. `page` is the rest of the lock file,
 * zero at first and persistent, which the holder may use; valid until `action` returns. Throws
 * TIMED_OUT if a living process does not release the lock.
 */
export function withLock<T>(path: string, action: (page: Buffer) => T): T {
  const mapped = openLock(path);
  const word = new BigUint64Array(mapped.buffer, mapped.byteOffset, 1);
  lock(word, path);
  try {
    return action(mapped.subarray(PAGE_OFFSET));
  } finally {
    Atomics.store(word, 0, UNLOCKED);
  }
}

function lock(word: BigUint64Array, path: string): void {
  const own = ownIdentity();
  const ownWord = (own.startTicks << BigInt(PID_BITS)) | BigInt(own.pid);
  const neverNotified = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; waitedMs < LOCK_WAIT_MS; waitedMs += 1) {
    const holder = Atomics.compareExchange(word, 0, UNLOCKED, ownWord);
    if (holder === UNLOCKED) return;
    const isDead = !isAlive({ pid: pidOf(holder), startTicks: holder >> BigInt(PID_BITS) });
    if (isDead && Atomics.compareExchange(word, 0, holder, ownWord) === holder) return;
    Atomics.wait(neverNotified, 0, 0, 1);
  }
  const pid = pidOf(Atomics.load(word, 0));
  throw new MirrorflowError(
    'TIMED_OUT',
    `the lock ${path} has been held by process ${pid} for more than ${LOCK_WAIT_MS} ms; stop that process`,
    { path, pid },
  );
}

function pidOf(word: bigint): number {
  return Number(BigInt.asUintN(PID_BITS, word));
}

function openLock(path: string): Buffer {
  for (;;) {
    try {
      const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      try {
        return mapFile(fd, LOCK_BYTES, 'read-write');
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    createLock(path);
  }
}

/**
 * Links a complete file into place, so that no process maps an incomplete one. Another process may
 * create the file first; either file serves.
 */
function createLock(path: string): void {
  const temporary = temporaryName(path);
  closeSync(createAllocated(temporary, LOCK_BYTES, { mode: LOCK_MODE }));
  try {
    linkSync(temporary, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
}
