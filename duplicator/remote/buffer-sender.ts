/**
 * Sends the buffers of a flow to one duplicator of another host. For a lossless receiver (the
 * writer waits for it) large buffers are sent straight from the mapped flow file: their slots are
 * not overwritten before the acknowledgement, and the frame's header stands in the slot in front of
 * the payload. Small buffers, and all buffers for a lossy receiver, are copied into a batch and
 * checked afterwards, so that no buffer is sent that its writer overwrote meanwhile. Made by
 * RemoteServer, driven by DownstreamLink; writes to its socket and into the frame headers of slots.
 */
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
import { BATCH_RECORD_BYTES } from '../../protocol/flow/wire/sealed-frame-reader.js';
import type { FlowSender, SenderOptions } from './flow-sender.js';
import type { FrameWriter } from './frame-writer.js';

/**
 * From this payload size on a buffer is written on its own; below it, one copy of many buffers is
 * cheaper than a piece for each.
 */
const OWN_PIECE_BYTES = 16 * 1024;
/** Bytes of one write to the socket. */
const BATCH_BYTES = BATCH_RECORD_BYTES;
/** Batches that wait in the socket at the same time: one is sent while the next is made. */
const BATCHES_WAITING_MAX = 2;

export class BufferSender implements FlowSender {
  readonly #file: FlowFile;
  readonly #writer: FrameWriter;
  readonly #options: SenderOptions;
  readonly #reader: RingReader;
  readonly #header = emptyHeader();
  readonly #spareBatches: Buffer[] = [];
  /** Per slot, its header and payload as one piece, for as long as buffers have this size. */
  readonly #pieces: (Buffer | undefined)[];
  /** Batches that wait in the socket, and those among them that are slots of the map. */
  #batchesWaiting = 0;
  #mapBatchesWaiting = 0;
  sentBytes = 0;

  constructor(file: FlowFile, writer: FrameWriter, first: number, options: SenderOptions) {
    this.#file = file;
    this.#writer = writer;
    this.#options = options;
    this.#reader = new RingReader(file, first);
    this.#pieces = Array.from({ length: file.geometry.slotCount });
  }

  get next(): number {
    return this.#reader.next;
  }

  get hasSlotsInSocket(): boolean {
    return this.#mapBatchesWaiting > 0;
  }

  skipTo(sequence: number): void {
    this.#reader.skipTo(sequence);
  }

  pump(): void {
    while (this.#batchesWaiting < BATCHES_WAITING_MAX && !this.#writer.destroyed) {
      const state = this.#reader.peek();
      if (state === 'restarted') this.#options.restarted();
      if (state !== 'ready') return;
      const lossless = this.#options.isLossless();
      if (lossless && this.#reader.size >= OWN_PIECE_BYTES) this.#sendPieces();
      else if (!this.#sendCopies(lossless)) return;
    }
  }

  /** Sends buffers straight from the map, several with one system call. */
  #sendPieces(): void {
    const reader = this.#reader;
    let bytes = 0;
    this.#writer.together(() => {
      let piece: Buffer | undefined;
      do {
        if (piece !== undefined) this.#writer.write(piece);
        piece = this.#pieceOf(reader.sequence, reader.size);
        this.#describe(reader.area().subarray(0, reader.size));
        encodeHeader(piece, 0, this.#header);
        bytes += piece.length;
        reader.advance();
      } while (bytes < BATCH_BYTES && reader.peek() === 'ready' && reader.size >= OWN_PIECE_BYTES);
      this.#batchesWaiting += 1;
      this.#mapBatchesWaiting += 1;
      this.#writer.write(piece, () => {
        this.#mapBatchesWaiting -= 1;
        this.#flushed();
      });
    });
    this.sentBytes += bytes;
  }

  #pieceOf(sequence: number, size: number): Buffer {
    const index = sequence % this.#pieces.length;
    const known = this.#pieces[index];
    if (known?.length === FRAME_BYTES + size) return known;
    const piece = this.#file.framedPayloadOf(sequence, size);
    this.#pieces[index] = piece;
    return piece;
  }

  /** Sends copies of as many buffers as are published and fit. False when nothing could be sent. */
  #sendCopies(lossless: boolean): boolean {
    const reader = this.#reader;
    const batch = this.#takeBatch(FRAME_BYTES + reader.size);
    let filled = 0;
    do {
      const { size } = reader;
      if (lossless && size >= OWN_PIECE_BYTES) break;
      if (filled + FRAME_BYTES + size > batch.length) break;
      const payload = batch.subarray(filled + FRAME_BYTES, filled + FRAME_BYTES + size);
      reader.area().copy(batch, filled + FRAME_BYTES, 0, size);
      if (!reader.isIntact()) {
        reader.skipMissed();
        continue;
      }
      this.#describe(payload);
      encodeHeader(batch, filled, this.#header);
      filled += FRAME_BYTES + size;
      reader.advance();
    } while (reader.peek() === 'ready');
    if (filled === 0) {
      this.#spareBatches.push(batch);
      return this.#reader.available > 0;
    }
    this.#batchesWaiting += 1;
    this.sentBytes += filled;
    this.#writer.write(batch.subarray(0, filled), () => {
      this.#spareBatches.push(batch);
      this.#flushed();
    });
    return true;
  }

  #takeBatch(bytes: number): Buffer {
    const spare = this.#spareBatches.pop();
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
    this.#batchesWaiting -= 1;
    this.#options.flushed();
    this.pump();
  }
}
