/**
 * The display memory of a SpecTcl simulator with copy on write: a reply borrows the memory without
 * a copy, and a change while it is borrowed copies it first. So each reply is a snapshot, however
 * slowly its client reads, and nothing is copied while changes wait for short replies. Used by
 * simulator.ts and spectrum-store.ts. Pure.
 */
export interface BorrowedMemory {
  readonly memory: Uint8Array;
  /** Allows the memory to change again. Idempotent. */
  release(): void;
}

export class CopyOnWriteMemory {
  #memory: Uint8Array;
  #borrowers = 0;
  readonly #tear: boolean;
  #copies = 0;
  readonly #onReleased: () => void;

  /**
   * `tear`: never copy, so that replies may mix two updates as SpecTcl's do. `onReleased`: called
   * when the memory is not borrowed any more.
   */
  constructor(bytes: number, options: { readonly tear: boolean; readonly onReleased: () => void }) {
    this.#memory = new Uint8Array(bytes);
    this.#tear = options.tear;
    this.#onReleased = options.onReleased;
  }

  /** For reading at once only: a later change may replace the buffer. */
  get current(): Uint8Array {
    return this.#memory;
  }

  /** Whether a change now would copy the memory. */
  get isBorrowed(): boolean {
    return this.#borrowers > 0 && !this.#tear;
  }

  /** Number of copies so far. */
  get copies(): number {
    return this.#copies;
  }

  borrow(): BorrowedMemory {
    const memory = this.#memory;
    this.#borrowers++;
    let open = true;
    return {
      memory,
      release: () => {
        // A memory that was replaced meanwhile has no borrowers in the count.
        if (open && memory === this.#memory) this.#returned();
        open = false;
      },
    };
  }

  /** Returns the memory for writing until the next call of `borrow`. */
  makeWritable(): Uint8Array {
    if (this.isBorrowed) {
      this.#memory = this.#memory.slice();
      this.#borrowers = 0;
      this.#copies++;
    }
    return this.#memory;
  }

  #returned(): void {
    this.#borrowers--;
    if (this.#borrowers === 0) this.#onReleased();
  }
}
