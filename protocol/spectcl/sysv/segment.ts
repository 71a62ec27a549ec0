/**
 * System V shared memory segments that hold a display memory, for viewers that attach it by key.
 * Created by duplicators of mirrors, attached by the gateway and clients, removed also by clean-up.
 * Calls the kernel through library.ts.
 *
 * The kernel keeps a segment when its creator dies: the creator therefore keeps a record of it, by
 * which `isLeftover` recognises it.
 */
import { MirrorflowError } from '../../base/errors.js';
import { isAlive, type OwnerIdentity } from '../../base/owner-identity.js';
import { SHM, sysvLibrary, type AttachedMemory, type SysvLibrary } from './library.js';
import { keyNumber } from './memory-key.js';

export interface Segment {
  readonly key: string;
  readonly id: number;
  readonly memory: Buffer;
  /** Unmaps the memory; the segment remains. Idempotent. */
  detach(): void;
}

export interface SegmentRecord {
  readonly key: string;
  /** The process that created the segment. */
  readonly creator: OwnerIdentity;
}

/**
 * Creates a zeroed segment under the first free one of `keys` and attaches it for writing. Throws
 * NOT_PERMITTED, NO_SPACE, LIMIT_REACHED when all keys are in use, or NOT_RUNNING when the library
 * is missing.
 * @param before called with each key before its segment is created: records it, so that the record
 *   exists even if this process is killed directly afterwards
 */
export function createSegment(
  keys: readonly string[],
  bytes: number,
  mode: number,
  before: (key: string) => void,
): Segment {
  const library = requiredLibrary();
  for (const key of keys) {
    // Skips keys in use without recording them; the exclusive creation below decides.
    if (typeof library.get(keyNumber(key), 0, 0) === 'number') continue;
    before(key);
    const id = library.get(keyNumber(key), bytes, SHM.IPC_CREAT | SHM.IPC_EXCL | mode);
    if (typeof id === 'number') return attach(library, key, id, bytes, 0);
    if (id !== 'EEXIST') throw errorOf('created', key, bytes, id);
  }
  throw new MirrorflowError(
    'LIMIT_REACHED',
    `all ${keys.length} memory keys from ${keys[0] ?? ''} on are in use on this host; \`ipcs -m\` lists them, \`ipcrm\` removes those that are not needed`,
    { keys: keys.length },
  );
}

/**
 * Attaches the whole segment of a key. Throws NOT_A_MIRROR when there is none or it has fewer than
 * `bytesMin` bytes, NOT_PERMITTED, NOT_RUNNING.
 */
export function attachSegment(key: string, bytesMin: number, access: 'read' | 'read-write'): Segment {
  const library = requiredLibrary();
  const id = library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') throw errorOf('attached', key, bytesMin, id);
  const status = library.status(id);
  if (typeof status === 'string') throw errorOf('attached', key, bytesMin, status);
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
 * Removes a segment's key, and its memory when the last attachment ends. No effect when there is no
 * such segment, or when another process created it.
 */
export function removeSegment(key: string, creatorPid: number): void {
  const library = requiredLibrary();
  const id = library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') return;
  const status = library.status(id);
  if (typeof status !== 'string' && status.creatorPid === creatorPid) library.remove(id);
}

/**
 * Whether the segment of the key was created by the recorded process and this process has ended.
 */
export function isLeftover({ key, creator }: SegmentRecord): boolean {
  const state = sysvLibrary();
  if (state.kind === 'missing') return false;
  const id = state.library.get(keyNumber(key), 0, 0);
  if (typeof id === 'string') return false;
  const status = state.library.status(id);
  if (typeof status === 'string') return false;
  // Record and kernel must agree on the creator: otherwise the key is in use for another segment.
  return status.creatorPid === creator.pid && status.uid === process.geteuid?.() && !isAlive(creator);
}

function attach(library: SysvLibrary, key: string, id: number, bytes: number, flags: number): Segment {
  const attached: AttachedMemory | string = library.attach(id, bytes, flags);
  if (typeof attached === 'string') throw errorOf('attached', key, bytes, attached);
  return { key, id, memory: attached.memory, detach: () => attached.detach() };
}

function requiredLibrary(): SysvLibrary {
  const state = sysvLibrary();
  if (state.kind === 'available') return state.library;
  throw new MirrorflowError(
    'NOT_RUNNING',
    `System V shared memory is not available: ${state.reason}; install the library with \`npm install koffi\``,
    {},
  );
}

function errorOf(action: string, key: string, bytes: number, system: string): MirrorflowError {
  const facts = { key, bytes, system };
  const begin = `the shared memory ${key} of ${bytes} bytes cannot be ${action}`;
  if (system === 'ENOENT') return new MirrorflowError('NOT_A_MIRROR', `${begin}: there is none`, facts);
  if (system === 'EACCES' || system === 'EPERM') {
    return new MirrorflowError(
      'NOT_PERMITTED',
      `${begin}: it belongs to another user and its mode forbids it`,
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
