/**
 * The System V shared memory calls of the C library, for segment.ts: SpecTcl's viewers find their
 * display memory as such a segment. Calls libc through `koffi`, whose packages for each processor
 * are optional dependencies: without one, and on systems without these calls, the library is
 * missing and only these segments are unavailable. Loaded once per process.
 */
import { describeError } from '../../base/errors.js';
import { C_LIBRARY, loadKoffi, type Koffi } from '../../base/koffi.js';

/**
 * Byte offsets in `struct shmid_ds` of 64-bit Linux, and its size with room to spare. Source:
 * bits/types/struct_shmid_ds.h, bits/ipc-perm.h.
 */
const DS = { uid: 4, mode: 20, segsz: 48, cpid: 80, nattch: 88, bytes: 112 } as const;
const IPC_RMID = 0;
const IPC_STAT = 2;
const FAILED = -1;
/** The result of shmat for an error: (void *) -1. */
const BAD_ADDRESS = 2n ** 64n - 1n;

export const SHM = { IPC_CREAT: 0o1000, IPC_EXCL: 0o2000, SHM_RDONLY: 0o10000 } as const;

/** A segment's properties in the kernel. */
export interface SegmentStatus {
  /** Effective user of the owner. */
  readonly uid: number;
  /** Permission bits. */
  readonly mode: number;
  readonly bytes: number;
  /** Process that created it. */
  readonly creatorPid: number;
  readonly attached: number;
}

/** A call that fails returns the system's error name (such as `EEXIST`) instead of a result. */
export interface SysvLibrary {
  /** The id of the segment with `key`; `flags` of SHM may create it. */
  get(key: number, bytes: number, flags: number): number | string;
  /** The segment's memory: a view that must not be used after `detach`. */
  attach(id: number, bytes: number, flags: number): AttachedMemory | string;
  status(id: number): SegmentStatus | string;
  /** Removes the key at once, and the memory when its last attachment ends. */
  remove(id: number): string | undefined;
}

export interface AttachedMemory {
  readonly memory: Buffer;
  detach(): void;
}

export type LibraryState =
  | { readonly kind: 'available'; readonly library: SysvLibrary }
  | { readonly kind: 'missing'; readonly reason: string };

let loaded: LibraryState | undefined;

/** The library, or the reason why it is missing. */
export function sysvLibrary(): LibraryState {
  loaded ??= load();
  return loaded;
}

function load(): LibraryState {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    return { kind: 'missing', reason: `not supported on ${process.platform} ${process.arch}` };
  }
  try {
    const koffi = loadKoffi();
    return { kind: 'available', library: bind(koffi) };
  } catch (error) {
    return { kind: 'missing', reason: `the optional library koffi cannot be loaded: ${firstLine(error)}` };
  }
}

function bind(koffi: Koffi): SysvLibrary {
  const libc = koffi.load(C_LIBRARY);
  const shmget = libc.func('int shmget(int key, size_t size, int flags)') as (
    key: number,
    size: number,
    flags: number,
  ) => number;
  const shmat = libc.func('void *shmat(int id, const void *address, int flags)') as (
    id: number,
    address: null,
    flags: number,
  ) => unknown;
  const shmdt = libc.func('int shmdt(void *address)') as (address: unknown) => number;
  const shmctl = libc.func('int shmctl(int id, int command, void *buffer)') as (
    id: number,
    command: number,
    buffer: Buffer | null,
  ) => number;
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));
  const failure = (): string => names.get(koffi.errno()) ?? `error ${koffi.errno()}`;
  return {
    get(key, bytes, flags) {
      const id = shmget(key, bytes, flags);
      return id === FAILED ? failure() : id;
    },
    attach(id, bytes, flags) {
      const pointer = shmat(id, null, flags);
      if (pointer === null || BigInt.asUintN(64, koffi.address(pointer)) === BAD_ADDRESS) return failure();
      let attached = true;
      return {
        memory: Buffer.from(koffi.view(pointer, bytes)),
        detach() {
          if (attached) shmdt(pointer);
          attached = false;
        },
      };
    },
    status(id) {
      const ds = Buffer.alloc(DS.bytes);
      if (shmctl(id, IPC_STAT, ds) === FAILED) return failure();
      return {
        uid: ds.readUInt32LE(DS.uid),
        mode: ds.readUInt32LE(DS.mode) & 0o777,
        bytes: Number(ds.readBigUInt64LE(DS.segsz)),
        creatorPid: ds.readInt32LE(DS.cpid),
        attached: Number(ds.readBigUInt64LE(DS.nattch)),
      };
    },
    remove(id) {
      return shmctl(id, IPC_RMID, null) === FAILED ? failure() : undefined;
    },
  };
}

function firstLine(error: unknown): string {
  return describeError(error).split('\n', 1)[0] ?? '';
}
