/**
 * A pool of copies of publications, which all mirror clients share.
 *
 * `mirror-source.ts` owns one per mirror; services borrow the newest publication as a lease. Each
 * publication is copied once, completely: no client gets a mixture of two, and a slow client
 * occupies only its buffer. Pure: no I/O.
 */
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { isSameHeader } from '../protocol/spectcl/header-comparison.js';

/** Memory limit of the pool, in which two buffers are always allowed. */
const POOL_BYTES_MAX = 256 * 1024 * 1024;
const POOL_BUFFERS_MIN = 2;
const POOL_BUFFERS_MAX = 8;

export interface PublicationStamp {
  readonly sequence: number;
  readonly timestampNs: number;
}

/** Runs `use` on the newest publication, again if it changed meanwhile; see `Mirror.read`. */
export type ReadNewest = <T>(use: (memory: Uint8Array, stamp: PublicationStamp) => T) => T;

/** A borrowed publication: its bytes do not change until all its leases are released. */
export interface Lease {
  /** Header and used channel storage, as in a full update of the source. */
  readonly memory: Buffer;
  /** Changes with the header: a client whose version differs needs the header again. */
  readonly headerVersion: number;
  /** Idempotent. */
  release(): void;
}

/** A number that several owners count up. */
export class Counter {
  value = 0;
}

/** A buffer of the pool with its content. */
class PublicationCopy {
  readonly bytes: Buffer;
  size = 0;
  headerVersion = 0;
  leases = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }
}

export class Publications {
  readonly #read: ReadNewest;
  readonly #copies: PublicationCopy[] = [];
  readonly #whenExhausted: () => void;
  #current: PublicationCopy | undefined;
  #stamp: PublicationStamp | undefined;
  readonly #headerVersions: Counter;

  /**
   * `whenExhausted` is called when a newer publication is requested while all buffers are in use:
   * the owner should close slow clients. `headerVersions` numbers the headers, from 1.
   */
  constructor(read: ReadNewest, whenExhausted: () => void, headerVersions = new Counter()) {
    this.#headerVersions = headerVersions;
    this.#read = read;
    this.#whenExhausted = whenExhausted;
  }

  /** Number of buffers of the pool. */
  get buffers(): number {
    return this.#copies.length;
  }

  /**
   * The newest publication, or an older complete one while slow clients occupy all buffers. Throws
   * errors of reading the mirror.
   */
  newest(): Lease {
    return leaseOf(this.#upToDate());
  }

  /**
   * A publication with the newest header, whose channels may be older: nothing is copied as long
   * as the header stays the same. Throws as `newest`.
   */
  newestHeader(): Lease {
    const current = this.#current;
    const isCurrent =
      current !== undefined &&
      this.#read((memory, stamp) => this.#isCurrent(stamp) || isSameHeader(bufferOf(memory), current.bytes));
    return isCurrent ? leaseOf(current) : this.newest();
  }

  /** Whether the stamp is that of the current copy. */
  #isCurrent({ sequence, timestampNs }: PublicationStamp): boolean {
    return this.#stamp?.sequence === sequence && this.#stamp.timestampNs === timestampNs;
  }

  #upToDate(): PublicationCopy {
    const current = this.#current;
    let target: PublicationCopy | undefined;
    const copied = this.#read((memory, stamp) => {
      if (current !== undefined && this.#isCurrent(stamp)) return undefined;
      // On a second attempt the memory may have grown since the first.
      if (target === undefined || target.bytes.byteLength < memory.byteLength) {
        target = this.#unused(memory.byteLength);
      }
      if (target === undefined) return undefined;
      return { stamp, size: memory.byteLength, sameHeader: this.#copyInto(target, memory) };
    });
    if (copied === undefined || target === undefined) {
      if (current === undefined) throw new Error('no buffer for the first publication');
      return current;
    }
    if (!copied.sameHeader) this.#headerVersions.value += 1;
    target.headerVersion = this.#headerVersions.value;
    target.size = copied.size;
    this.#stamp = copied.stamp;
    this.#current = target;
    return target;
  }

  /**
   * Copies a publication, without the header if the buffer holds the same one already. Returns
   * whether the header equals that of the current copy.
   */
  #copyInto(target: PublicationCopy, memory: Uint8Array): boolean {
    const current = this.#current;
    const sameHeader = current !== undefined && isSameHeader(bufferOf(memory), current.bytes);
    const hasHeader = sameHeader && target.headerVersion === current.headerVersion;
    // The copy may turn out to be torn: until it is known to be complete, its header has no
    // version.
    if (!hasHeader) target.headerVersion = 0;
    target.bytes.set(
      hasHeader ? memory.subarray(DISPLAY_HEADER_BYTES) : memory,
      hasHeader ? DISPLAY_HEADER_BYTES : 0,
    );
    return sameHeader;
  }

  /** An unused buffer of at least `bytes` bytes; undefined when all buffers are in use. */
  #unused(bytes: number): PublicationCopy | undefined {
    const index = this.#copies.findIndex((copy) => copy !== this.#current && copy.leases === 0);
    const unused = this.#copies[index];
    if (unused !== undefined && unused.bytes.byteLength >= bytes) return unused;
    if (unused !== undefined) this.#copies.splice(index, 1);
    if (this.#copies.length >= buffersFor(bytes)) {
      this.#whenExhausted();
      return undefined;
    }
    const created = new PublicationCopy(bytes);
    this.#copies.push(created);
    return created;
  }
}

/** A new lease. */
function leaseOf(copy: PublicationCopy): Lease {
  copy.leases += 1;
  let isLeased = true;
  return {
    memory: copy.bytes.subarray(0, copy.size),
    headerVersion: copy.headerVersion,
    release: () => {
      if (isLeased) copy.leases -= 1;
      isLeased = false;
    },
  };
}

function bufferOf(memory: Uint8Array): Buffer {
  return Buffer.from(memory.buffer, memory.byteOffset, memory.byteLength);
}

function buffersFor(bytes: number): number {
  return Math.min(POOL_BUFFERS_MAX, Math.max(POOL_BUFFERS_MIN, Math.floor(POOL_BYTES_MAX / bytes)));
}
