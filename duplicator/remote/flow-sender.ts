/** What a connection to a duplicator of another host needs of whatever sends the flow on it. */
export interface FlowSender {
  /** Sends what is there, as far as the socket keeps up. */
  pump(): void;
  /** The next sequence to be sent. */
  readonly next: number;
  /** Leaves out what lies below. */
  skipTo(sequence: number): void;
  /**
   * Bytes wait in the socket whose place is the ring: the receiver must stay lossless until they
   * are gone.
   */
  readonly usesMap: boolean;
  readonly sentBytes: number;
}

export interface SenderOptions {
  /** Every payload with its checksum. */
  readonly crc: boolean;
  isLossless(): boolean;
  /** The receiver has all below this sequence. */
  acknowledged(): number;
  /** Something that waited in the socket has gone out. */
  flushed(): void;
  /** The sequences of the flow begin again: this connection cannot go on. */
  restarted(): void;
}
