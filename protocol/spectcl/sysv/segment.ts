/**
 * System V segments of a display memory: made without a race under a key of their own, attached,
 * removed. The kernel keeps them when their owner dies, so whoever makes one also keeps a record of
 * it; see `isLeftover`.
 */
import { MirrorflowError } from '../../base/errors.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';
import { SHM, sysvLibrary, type AttachedMemory, type SysvLibrary } from './library.js';
import { keyNumber } from './memory-key.js';

export interface Segment {
  readonly key: string;
  readonly id: number;
  readonly memory: Buffer;
  /** Gives the memory up; the segment stays. Idempotent. */
  detach(): void;
}

export interface SegmentRecord {
  readonly key: string;
  /** The process that created it. */
  readonly creator: OwnerIdentity;
}

/**
 * Creates a segment under the first of `keys` that nobody has, zero, and attaches it for writing.
 * Throws NOT_PERMITTED, NO_SPACE, LIMIT_REACHED when all keys are taken, or NOT_RUNNING when the
 * library is missing.
 * @param before runs with each key before its segment may exist, so that a record of it stands even if this process is killed next
 */
export function createSegment(
  keys: readonly string[],
  bytes: number,
  mode: number,
  before: (key: string) => void,
): Segment {
  const library = needed();
  for (const key of keys) {
    // Somebody else's key is seen before anything is recorded; the creation below decides all the
    // same.
    if (typeof library.get(keyNumber(key), 0, 0) === 'number') continue;
    before(key);
    const id = library.get(keyNumber(key), bytes, SHM.IPC_CREAT | SHM.IPC_EXCL | mode);
    if (typeof id === 'number') return attach(library, key, id, bytes, 0);
    if (id !== 'EEXIST') throw refused('created', key, bytes, id);
  }
  throw new MirrorflowError(
    'LIMIT_REACHED',
    `all ${keys.length} memory keys from ${keys[0] ?? ''} on are taken on this host; \`ipcs -m\` lists them, \`ipcrm\` removes what nobody needs`,
    { keys: keys.length },
  );
}

/**
 * Attaches the segment of a key, with all of its memory. Throws NOT_A_MIRROR when there is none or
 * it is too small, NOT_PERMITTED, NOT_RUNNING.
 */
export function attachSegment(key: string, bytesMin: number, access: 'read' | 'read-write'): Segment {
  const library = needed();
  const id = library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') throw refused('attached', key, bytesMin, id);
  const status = library.status(id);
  if (typeof status === 'string') throw refused('attached', key, bytesMin, status);
  if (status.bytes < bytesMin) {
    throw new MirrorflowError(
      'NOT_A_MIRROR',
      `the shared memory ${key} has ${status.bytes} bytes; the display memory needs ${bytesMin}`,
      { key, bytes: status.bytes, bytesMin },
    );
  }
  return attach(library, key, id, status.bytes, access === 'read' ? SHM.SHM_RDONLY : 0);
}

/**
 * Removes a segment's key; its memory goes with the last attachment. Nothing happens when it is
 * gone already.
 */
export function removeSegment(key: string, creatorPid: number): void {
  const library = needed();
  const id = library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') return;
  const status = library.status(id);
  if (typeof status !== 'string' && status.creatorPid === creatorPid) library.remove(id);
}

/** Whether the segment of that key was made by that very process, and the process has ended. */
export function isLeftover({ key, creator }: SegmentRecord): boolean {
  const state = sysvLibrary();
  if (state.kind === 'missing') return false;
  const id = state.library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') return false;
  const status = state.library.status(id);
  if (typeof status === 'string') return false;
  // The owner record says who made it and the kernel must agree, or it is somebody else's under the
  // same key.
  return status.creatorPid === creator.pid && status.uid === process.geteuid?.() && !isAlive(creator);
}

function attach(library: SysvLibrary, key: string, id: number, bytes: number, flags: number): Segment {
  const attached: AttachedMemory | string = library.attach(id, bytes, flags);
  if (typeof attached === 'string') throw refused('attached', key, bytes, attached);
  return { key, id, memory: attached.memory, detach: () => attached.detach() };
}

function needed(): SysvLibrary {
  const state = sysvLibrary();
  if (state.kind === 'there') return state.library;
  throw new MirrorflowError(
    'NOT_RUNNING',
    `shared memory by key is not available: ${state.reason}; install it with \`npm install koffi\``,
    {},
  );
}

function refused(what: string, key: string, bytes: number, system: string): MirrorflowError {
  const facts = { key, bytes, system };
  const begin = `the shared memory ${key} of ${bytes} bytes cannot be ${what}`;
  if (system === 'ENOENT') return new MirrorflowError('NOT_A_MIRROR', `${begin}: nobody has made it`, facts);
  if (system === 'EACCES' || system === 'EPERM') {
    return new MirrorflowError(
      'NOT_PERMITTED',
      `${begin}: it is another user's and its mode forbids it`,
      facts,
    );
  }
  if (system === 'ENOSPC' || system === 'ENOMEM' || system === 'EINVAL') {
    return new MirrorflowError(
      'NO_SPACE',
      `${begin}: ${system}; compare with \`sysctl kernel.shmmax kernel.shmall kernel.shmmni\``,
      facts,
    );
  }
  return new MirrorflowError('SYSTEM_ERROR', `${begin}: ${system}`, facts);
}
