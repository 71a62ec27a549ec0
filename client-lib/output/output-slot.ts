/**
 * The shapes of writing one buffer: a reserved slot of the flow file and the options of waiting and
 * committing. Implemented by OutputFlow, part of the public surface. Types only.
 */

export interface WaitOptions {
  /** Aborting it rejects with its reason. */
  readonly signal?: AbortSignal;
}

export interface CommitOptions {
  /**
   * Wall-clock nanoseconds since 1970, kept to 256 ns. Default: the time of the first commit of
   * this turn of the event loop.
   */
  readonly timestampNs?: number;
  /** 0 to 65,535; meaning defined by the flow type. */
  readonly flags?: number;
}

/**
 * A reserved slot. One object per flow, the same for every reservation: nothing is allocated per
 * buffer.
 */
export interface OutputSlot {
  /**
   * The whole payload area, in the mapped file: `bufferSize` bytes, the provider's until `commit`.
   * It holds the payload of an earlier buffer.
   */
  readonly data: Buffer;
  /**
   * Gives the first `size` bytes to the consumers, at the latest at the end of this turn of the
   * event loop.
   */
  commit(size: number, options?: CommitOptions): void;
}
