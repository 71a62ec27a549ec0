/** What a provider has in its hands while it writes one buffer, and what it may say about it. */

export interface WaitOptions {
  /** Aborting it rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface CommitOptions {
  /**
   * Wall-clock nanoseconds since 1970, kept to 256 ns. Default: the time of the first commit of
   * this turn.
   */
  readonly timestampNs?: number;
  /** 0 to 65,535; belongs to the flow type. */
  readonly flags?: number;
}

/**
 * A reserved slot. One object per flow, the same for every reservation: nothing is allocated per
 * buffer.
 */
export interface OutputSlot {
  /**
   * The whole payload area, in the mapped file: `bufferSize` bytes, the provider's until `commit`.
   * It holds old data.
   */
  readonly data: Buffer;
  /**
   * Gives the first `size` bytes to the consumers, at the latest at the end of this turn of the
   * event loop.
   */
  commit(size: number, options?: CommitOptions): void;
}
