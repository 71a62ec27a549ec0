/**
 * A lock between processes that its holder cannot take with it into the grave: one word in a small
 * mapped file, changed by compare-and-exchange only. The word names its holder (process id and
 * start time); a holder that died is recognised, and exactly one of those who notice exchanges the
 * dead name for their own.
 *
 * The file is made once per directory and never removed: a lock that can be removed is no lock.
 */
import { closeSync, constants, linkSync, openSync, unlinkSync } from 'node:fs';
import { MirrorflowError, systemCode } from '../errors.js';
import { createAllocated } from './allocate.js';
import { mapFile } from './mapping.js';
import { isAlive, ownIdentity } from '../owner-identity.js';
import { temporaryName } from './temporary-name.js';

const LOCK_BYTES = 4096;
/** Where the word's cache line ends. */
const PAGE_BEGINS = 64;
const LOCK_MODE = 0o600;
/**
 * What a lock protects takes microseconds; whoever waits this long has met something that is not
 * one of our processes.
 */
const LOCK_WAIT_MS = 2_000;
const UNLOCKED = 0n;
/**
 * Linux gives no process id beyond 22 bits (proc(5), pid_max); the other 42 hold a start time of a
 * thousand years.
 */
const PID_BITS = 22;

/**
 * Runs `action` while this process alone holds the lock at `path`. Throws TIMED_OUT when a living
 * process does not let go. `page` is the lock's file behind its word: zero when it was made, kept
 * as long as it, for whoever holds the lock.
 */
export function withLock<T>(path: string, action: (page: Buffer) => T): T {
  const mapped = openLock(path);
  const word = new BigUint64Array(mapped.buffer, mapped.byteOffset, 1);
  lock(word, path);
  try {
    return action(mapped.subarray(PAGE_BEGINS));
  } finally {
    Atomics.store(word, 0, UNLOCKED);
  }
}

function lock(word: BigUint64Array, path: string): void {
  const own = ownIdentity();
  const ownWord = (own.startTicks << BigInt(PID_BITS)) | BigInt(own.pid);
  const never = new Int32Array(new SharedArrayBuffer(4));
  for (let waitedMs = 0; waitedMs < LOCK_WAIT_MS; waitedMs += 1) {
    const found = Atomics.compareExchange(word, 0, UNLOCKED, ownWord);
    if (found === UNLOCKED) return;
    const dead = !isAlive({ pid: pidOf(found), startTicks: found >> BigInt(PID_BITS) });
    if (dead && Atomics.compareExchange(word, 0, found, ownWord) === found) return;
    Atomics.wait(never, 0, 0, 1);
  }
  const pid = pidOf(Atomics.load(word, 0));
  throw new MirrorflowError('TIMED_OUT', `${path} is held by process ${pid} for ${LOCK_WAIT_MS} ms already`, {
    path,
    pid,
  });
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
    makeLock(path);
  }
}

/**
 * Complete under another name first, so that nobody maps a page that is not there; losing the race
 * is as good as winning it.
 */
function makeLock(path: string): void {
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
