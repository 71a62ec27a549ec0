/**
 * Writes the access list of a file: rights of single users and groups beside its mode. The kernel
 * keeps it as the extended attribute `system.posix_acl_access`; Node has no call for it, so that
 * the C library's is used, through koffi. access.ts calls it. Changes permissions of files.
 *
 *   u32 version (2), then per entry: u16 tag | u16 permission bits | u32 id of the user or group
 *
 * Entries stand in the order of their tags, then of their ids. Source: acl(5), and the kernel's
 * include/uapi/linux/posix_acl_xattr.h.
 */
import { C_LIBRARY, loadKoffi } from '../../base/koffi.js';
import type { AccessEntry } from './policy.js';

const ATTRIBUTE = 'system.posix_acl_access';
const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const TAGS = { owner: 0x01, user: 0x02, owningGroup: 0x04, group: 0x08, mask: 0x10, others: 0x20 } as const;
/** The id in entries without one. */
const NO_ID = 0xffff_ffff;

interface Library {
  /** `set` and `remove` return the system's error name, undefined when done. */
  set(path: string, value: Buffer): string | undefined;
  remove(path: string): string | undefined;
}

let loaded: Library | undefined;

/** Replaces the access list. Throws with the reason: no library, no support of the file system. */
export function setAccessList(path: string, mode: number, entries: readonly AccessEntry[]): void {
  const failure = library().set(path, encodeAccessList(mode, entries));
  if (failure !== undefined) throw new Error(failureText(failure));
}

/** Removes the access list, if there is one: the mode alone counts. Throws with the reason. */
export function removeAccessList(path: string): void {
  const failure = library().remove(path);
  if (failure === undefined || failure === 'ENODATA' || failure === 'EOPNOTSUPP') return;
  throw new Error(failureText(failure));
}

/** The attribute's bytes: the mode's own entries, the listed ones, and a mask that limits none. */
export function encodeAccessList(mode: number, entries: readonly AccessEntry[]): Buffer {
  const owningGroup = (mode >> 3) & 7;
  const mask = entries.reduce((bits, entry) => bits | entry.bits, owningGroup);
  const listed = (kind: AccessEntry['kind'], tag: number) =>
    entries
      .filter((entry) => entry.kind === kind)
      .toSorted((a, b) => a.id - b.id)
      .map(({ bits, id }) => [tag, bits, id] as const);
  const rows = [
    [TAGS.owner, (mode >> 6) & 7, NO_ID] as const,
    ...listed('user', TAGS.user),
    [TAGS.owningGroup, owningGroup, NO_ID] as const,
    ...listed('group', TAGS.group),
    [TAGS.mask, mask, NO_ID] as const,
    [TAGS.others, mode & 7, NO_ID] as const,
  ];
  const bytes = Buffer.alloc(HEADER_BYTES + rows.length * ENTRY_BYTES);
  bytes.writeUInt32LE(VERSION, 0);
  for (const [index, [tag, bits, id]] of rows.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(bits, at + 2);
    bytes.writeUInt32LE(id, at + 4);
  }
  return bytes;
}

function library(): Library {
  loaded ??= bind();
  return loaded;
}

function bind(): Library {
  const koffi = loadKoffi();
  const libc = koffi.load(C_LIBRARY);
  const setxattr = libc.func(
    'int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  ) as (path: string, name: string, value: Buffer, size: number, flags: number) => number;
  const removexattr = libc.func('int removexattr(const char *path, const char *name)') as (
    path: string,
    name: string,
  ) => number;
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  const outcome = (result: number): string | undefined =>
    result === 0 ? undefined : (names.get(koffi.errno()) ?? `error ${koffi.errno()}`);
  return {
    set: (path, value) => outcome(setxattr(path, ATTRIBUTE, value, value.length, 0)),
    remove: (path) => outcome(removexattr(path, ATTRIBUTE)),
  };
}

function failureText(failure: string): string {
  return failure === 'EOPNOTSUPP' || failure === 'ENOTSUP'
    ? 'its file system has no access lists'
    : `the system refuses its access list: ${failure}`;
}
