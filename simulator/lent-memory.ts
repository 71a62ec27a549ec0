/**
 * The display memory with copy on write: replies lend it without a copy, and whoever wants to
 * change it while it is lent gets a fresh copy that becomes the memory from then on. So a reply is
 * a snapshot however slowly it is read, and nothing is copied as long as changes wait for replies,
 * which are short.
 */
export interface Loan {
  readonly memory: Uint8Array;
  /** Idempotent. The memory may change afterwards. */
  release(): void;
}

export class LentMemory {
  #memory: Uint8Array;
  #loans = 0;
  readonly #tear: boolean;
  #copies = 0;
  readonly #whenReturned: () => void;

  /** `tear`: never copy, so that replies tear as SpecTcl's do. `whenReturned`: no loan is left. */
  constructor(bytes: number, options: { readonly tear: boolean; readonly whenReturned: () => void }) {
    this.#memory = new Uint8Array(bytes);
    this.#tear = options.tear;
    this.#whenReturned = options.whenReturned;
  }

  /** To be read only, and not kept: a later change may move to another buffer. */
  get current(): Uint8Array {
    return this.#memory;
  }

  /** Whether a change now would cost a copy. */
  get lent(): boolean {
    return this.#loans > 0 && !this.#tear;
  }

  /** Copies made so far. */
  get copies(): number {
    return this.#copies;
  }

  lend(): Loan {
    const memory = this.#memory;
    this.#loans++;
    let open = true;
    return {
      memory,
      release: () => {
        // A loan of a memory that was replaced since is not counted any more.
        if (open && memory === this.#memory) this.#return();
        open = false;
      },
    };
  }

  /** The memory, free to be written until the next call of `lend`. */
  forChange(): Uint8Array {
    if (this.lent) {
      this.#memory = this.#memory.slice();
      this.#loans = 0;
      this.#copies++;
    }
    return this.#memory;
  }

  #return(): void {
    this.#loans--;
    if (this.#loans === 0) this.#whenReturned();
  }
}
