/**
 * Sends the buffers of a flow to one duplicator of another host. To a lossless one large buffers go
 * straight from the map: their slots are its own until it acknowledged, and the frame's header
 * stands in the slot, in front of the payload. Small ones, and all that a lossy receiver gets, are
 * copied into a batch and checked afterwards, so that no buffer goes out that its writer took back
 * meanwhile.
 */
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import {
  FRAME_BYTES,
  FrameBits,
  FrameKind,
  emptyHeader,
  encodeHeader,
} from '../../protocol/flow/wire/frame.js';
import type { FlowSender, SenderOptions } from './flow-sender.js';

/**
 * From so many bytes on a buffer goes out on its own; below, a copy of many is cheaper than a piece
 * for each.
 */
const OWN_PIECE_BYTES = 16 * 1024;
/** Bytes that are given to the socket at a time. */
const BATCH_BYTES = 256 * 1024;
/** Batches that wait in the socket at the same time: one is sent while the next is made. */
const BATCHES_WAITING = 2;

export class BufferSender implements FlowSender {
  readonly #file: FlowFile;
  readonly #socket: Socket;
  readonly #options: SenderOptions;
  readonly #reader: RingReader;
  readonly #header = emptyHeader();
  readonly #spare: Buffer[] = [];
  /** Header and payload of a slot as one piece, kept for as long as buffers have this size. */
  readonly #pieces: (Buffer | undefined)[];
  #waiting = 0;
  #fromMap = 0;
  sentBytes = 0;

  constructor(file: FlowFile, socket: Socket, first: number, options: SenderOptions) {
    this.#file = file;
    this.#socket = socket;
    this.#options = options;
    this.#reader = new RingReader(file, first);
    this.#pieces = Array.from({ length: file.geometry.slotCount });
  }

  get next(): number {
    return this.#reader.next;
  }

  get usesMap(): boolean {
    return this.#fromMap > 0;
  }

  skipTo(sequence: number): void {
    this.#reader.skipTo(sequence);
  }

  pump(): void {
    while (this.#waiting < BATCHES_WAITING && !this.#socket.destroyed) {
      const found = this.#reader.look();
      if (found === 'restarted') this.#options.restarted();
      if (found !== 'ready') return;
      const lossless = this.#options.isLossless();
      if (lossless && this.#reader.size >= OWN_PIECE_BYTES) this.#sendPieces();
      else if (!this.#sendCopies(lossless)) return;
    }
  }

  /** Buffers straight from the map, several with one call of the system. */
  #sendPieces(): void {
    const { reader } = { reader: this.#reader };
    let bytes = 0;
    this.#socket.cork();
    let piece: Buffer | undefined;
    do {
      if (piece !== undefined) this.#socket.write(piece);
      piece = this.#pieceOf(reader.sequence, reader.size);
      this.#describe(reader.area().subarray(0, reader.size));
      encodeHeader(piece, 0, this.#header);
      bytes += piece.length;
      reader.advance();
    } while (bytes < BATCH_BYTES && reader.look() === 'ready' && reader.size >= OWN_PIECE_BYTES);
    this.#waiting += 1;
    this.#fromMap += 1;
    this.#socket.write(piece, () => {
      this.#fromMap -= 1;
      this.#flushed();
    });
    this.#socket.uncork();
    this.sentBytes += bytes;
  }

  #pieceOf(sequence: number, size: number): Buffer {
    const index = sequence % this.#pieces.length;
    const known = this.#pieces[index];
    if (known?.length === FRAME_BYTES + size) return known;
    const made = this.#file.framedPayloadOf(sequence, size);
    this.#pieces[index] = made;
    return made;
  }

  /**
   * Copies of as many buffers as are there and fit. False when there was nothing to send after all.
   */
  #sendCopies(lossless: boolean): boolean {
    const reader = this.#reader;
    const batch = this.#batch(FRAME_BYTES + reader.size);
    let filled = 0;
    do {
      const { size } = reader;
      if (lossless && size >= OWN_PIECE_BYTES) break;
      if (filled + FRAME_BYTES + size > batch.length) break;
      const payload = batch.subarray(filled + FRAME_BYTES, filled + FRAME_BYTES + size);
      reader.area().copy(batch, filled + FRAME_BYTES, 0, size);
      if (!reader.stillThere()) {
        reader.lose();
        continue;
      }
      this.#describe(payload);
      encodeHeader(batch, filled, this.#header);
      filled += FRAME_BYTES + size;
      reader.advance();
    } while (reader.look() === 'ready');
    if (filled === 0) {
      this.#spare.push(batch);
      return this.#reader.available > 0;
    }
    this.#waiting += 1;
    this.sentBytes += filled;
    this.#socket.write(batch.subarray(0, filled), () => {
      this.#spare.push(batch);
      this.#flushed();
    });
    return true;
  }

  #batch(bytes: number): Buffer {
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.length >= bytes) return spare;
    return Buffer.allocUnsafeSlow(Math.max(BATCH_BYTES, bytes));
  }

  #describe(payload: Buffer): void {
    const header = this.#header;
    const { crc } = this.#options;
    header.kind = FrameKind.BUFFER;
    header.length = this.#reader.size;
    header.sequence = this.#reader.sequence;
    header.value = this.#reader.timestampNs;
    header.detail = this.#reader.flags;
    header.bits = crc ? FrameBits.CRC : 0;
    header.crc = crc ? crc32(payload) : 0;
  }

  #flushed(): void {
    this.#waiting -= 1;
    this.#options.flushed();
    this.pump();
  }
}
