/**
 * Writes frames to the socket of a link between two duplicators: as they are over TLS or where both
 * hosts have `integrity` off, else in records with a MAC (rpc/security/records.ts). A record holds
 * one large buffer, which is sent from where it is, or a batch of small ones. Used by everything
 * that sends on a link; owns no socket.
 */
import type { Socket } from 'node:net';
import type { RecordSealer } from '../../protocol/rpc/security/records.js';

/** A record up to this size is copied: cheaper than three pieces for the kernel. */
const COPIED_BYTES = 4_096;

export class FrameWriter {
  readonly #socket: Socket;
  readonly #sealer: RecordSealer | undefined;

  constructor(socket: Socket, sealer: RecordSealer | undefined) {
    this.#socket = socket;
    this.#sealer = sealer;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed;
  }

  /** Bytes that wait in the socket. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** `frames`: whole frames, unchanged until `sent` is called. */
  write(frames: Buffer, sent?: () => void): void {
    const socket = this.#socket;
    if (this.#sealer === undefined) {
      socket.write(frames, sent);
      return;
    }
    if (frames.length <= COPIED_BYTES) {
      socket.write(this.#sealer.record(frames), sent);
      return;
    }
    const { head, mac } = this.#sealer.seal(frames);
    socket.cork();
    socket.write(head);
    socket.write(frames);
    socket.write(mac, sent);
    socket.uncork();
  }

  /** Several `write` with one system call. */
  together(writes: () => void): void {
    this.#socket.cork();
    writes();
    this.#socket.uncork();
  }

  /** Writes the last frame and closes this direction. */
  end(frame: Buffer): void {
    this.write(frame);
    this.#socket.end();
  }
}
