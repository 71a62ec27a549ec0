/**
 * What sends the buffers of a flow on one link to a duplicator of another host. Two kinds implement
 * it: BufferSender (every buffer) and MirrorSender (changed blocks); DownstreamLink drives it.
 * Types only.
 */
export interface FlowSender {
  /** Sends what is published, as far as the socket has room. */
  pump(): void;
  /** The next sequence to be sent. */
  readonly next: number;
  /** Leaves out the sequences below `sequence`. */
  skipTo(sequence: number): void;
  /**
   * True while slots of the ring itself, not copies, wait in the socket: until they are sent, the
   * receiver must stay lossless, which keeps them from being overwritten.
   */
  readonly hasSlotsInSocket: boolean;
  readonly sentBytes: number;
}

export interface SenderOptions {
  /** Sends a checksum with every payload. */
  readonly crc: boolean;
  /** Whether the receiver is lossless now, so that nothing may be left out. */
  isLossless(): boolean;
  /** The receiver has every sequence below this one. */
  acknowledged(): number;
  /** Called when something that waited in the socket has been sent. */
  flushed(): void;
  /** Called when the flow's sequences start again: this link cannot continue. */
  restarted(): void;
}
