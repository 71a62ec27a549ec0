/**
 * Publications as mirror clients are sent them: each is copied once, whole, into a pooled buffer
 * that every client shares, so that nobody is ever sent a mixture of two and a slow client holds up
 * nothing but its buffer. Knows no socket and no flow.
 */
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';

/** Memory that the pool may take, beyond the two buffers it always has. */
const POOL_BYTES_MAX = 256 * 1024 * 1024;
const POOL_BUFFERS_MIN = 2;
const POOL_BUFFERS_MAX = 8;

export interface PublicationStamp {
  readonly sequence: number;
  readonly timestampNs: number;
}

/** Runs `use` over the newest publication, again when it changed meanwhile; see `Mirror.read`. */
export type ReadNewest = <T>(use: (memory: Uint8Array, stamp: PublicationStamp) => T) => T;

/** A publication that somebody is using; its bytes stay until every lease of it is given back. */
export interface Lease {
  /** Header and used channel storage, as the source's full update had them. */
  readonly memory: Buffer;
  /** Counts the headers: another one means that a client needs the header again. */
  readonly headerVersion: number;
  /** Idempotent. */
  release(): void;
}

/** One pooled buffer with what stands in it. */
class Copy {
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
  readonly #copies: Copy[] = [];
  readonly #whenExhausted: () => void;
  #current: Copy | undefined;
  #stamp: PublicationStamp | undefined;
  #headerVersion = 0;

  /**
   * `whenExhausted` runs when every buffer is in use and a newer publication is wanted: clients
   * that are too slow should end.
   */
  constructor(read: ReadNewest, whenExhausted: () => void) {
    this.#read = read;
    this.#whenExhausted = whenExhausted;
  }

  /** Publications copied at the moment, and what they take. */
  get buffers(): number {
    return this.#copies.length;
  }

  /**
   * The newest publication; an older one, still whole, while slow clients have all buffers. Throws
   * what reading throws.
   */
  newest(): Lease {
    const copy = this.#upToDate();
    copy.leases += 1;
    let held = true;
    return {
      memory: copy.bytes.subarray(0, copy.size),
      headerVersion: copy.headerVersion,
      release: () => {
        if (held) copy.leases -= 1;
        held = false;
      },
    };
  }

  /** Whether that is the stamp of the copy at hand. */
  #isCurrent({ sequence, timestampNs }: PublicationStamp): boolean {
    return this.#stamp?.sequence === sequence && this.#stamp.timestampNs === timestampNs;
  }

  #upToDate(): Copy {
    const current = this.#current;
    let target: Copy | undefined;
    const found = this.#read((memory, stamp) => {
      if (current !== undefined && this.#isCurrent(stamp)) return undefined;
      // Again when it is the second attempt, and the memory has grown since the first.
      if (target === undefined || target.bytes.byteLength < memory.byteLength) {
        target = this.#free(memory.byteLength);
      }
      if (target === undefined) return undefined;
      return { stamp, size: memory.byteLength, sameHeader: this.#copyInto(target, memory) };
    });
    if (found === undefined || target === undefined) {
      if (current === undefined) throw new Error('no buffer for the first publication');
      return current;
    }
    if (!found.sameHeader) this.#headerVersion += 1;
    target.headerVersion = this.#headerVersion;
    target.size = found.size;
    this.#stamp = found.stamp;
    this.#current = target;
    return target;
  }

  /**
   * Copies a publication; the header only where the buffer does not hold it already. Returns
   * whether it is that of the current one.
   */
  #copyInto(target: Copy, memory: Uint8Array): boolean {
    const current = this.#current;
    const header = memory.subarray(0, DISPLAY_HEADER_BYTES);
    const sameHeader =
      current !== undefined && Buffer.compare(header, current.bytes.subarray(0, DISPLAY_HEADER_BYTES)) === 0;
    const holdsIt = sameHeader && target.headerVersion === current.headerVersion;
    // What is copied now may be found torn afterwards: until it is known to be whole it is no
    // version's header.
    if (!holdsIt) target.headerVersion = 0;
    target.bytes.set(
      holdsIt ? memory.subarray(DISPLAY_HEADER_BYTES) : memory,
      holdsIt ? DISPLAY_HEADER_BYTES : 0,
    );
    return sameHeader;
  }

  /**
   * A buffer that nobody uses, with room for a memory of that size; undefined when all are in use.
   */
  #free(bytes: number): Copy | undefined {
    const usable = this.#copies.findIndex((copy) => copy !== this.#current && copy.leases === 0);
    const found = this.#copies[usable];
    if (found !== undefined && found.bytes.byteLength >= bytes) return found;
    if (found !== undefined) this.#copies.splice(usable, 1);
    if (this.#copies.length >= buffersFor(bytes)) {
      this.#whenExhausted();
      return undefined;
    }
    const made = new Copy(bytes);
    this.#copies.push(made);
    return made;
  }
}

function buffersFor(bytes: number): number {
  return Math.min(POOL_BUFFERS_MAX, Math.max(POOL_BUFFERS_MIN, Math.floor(POOL_BYTES_MAX / bytes)));
}
