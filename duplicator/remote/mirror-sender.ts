/**
 * Sends a mirror to one duplicator of another host: of each publication (a whole display memory)
 * only the blocks of 4 KiB that this receiver does not have in their present state. A lossy
 * receiver gets the newest publication whenever its link is free, a lossless one every publication
 * in turn. Blocks are encoded into copies, so the ring never waits for the link; WAITING_BYTES_MAX
 * bounds their memory. Made by RemoteServer, driven by DownstreamLink; writes to its socket.
 *
 * | state   | event                                        | next                                     |
 * | ------- | -------------------------------------------- | ---------------------------------------- |
 * | idle    | a publication it does not have, link is free | sending that publication                 |
 * | sending | a block is missing                           | sending, after a BLOCKS frame            |
 * | sending | the publication has left the ring            | sending the newest                       |
 * | sending | no block is missing                          | idle, after a PUBLICATION frame          |
 */
import { crc32 } from 'node:zlib';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { IMAGE_BLOCK_BYTES } from '../../protocol/flow/flow-file/image.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import { BLOCKS_PER_FRAME, encodeBlocks } from '../../protocol/flow/wire/blocks.js';
import {
  FRAME_BYTES,
  FrameBits,
  FrameKind,
  encodeHeader,
  type FrameHeader,
} from '../../protocol/flow/wire/frame.js';
import type { FlowSender, SenderOptions } from './flow-sender.js';
import type { FrameWriter } from './frame-writer.js';

/**
 * Encoded bytes that wait in the socket at most; further blocks are encoded when these are sent.
 */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/**
 * Publications without an acknowledgement at most: what the buffers of a slow link hold is old when
 * it arrives.
 */
const UNACKNOWLEDGED_MAX = 2;

export class MirrorSender implements FlowSender {
  readonly hasSlotsInSocket = false;
  readonly #file: FlowFile;
  readonly #history: BlockHistory;
  readonly #writer: FrameWriter;
  readonly #options: SenderOptions;
  /** Per block: the publication of which the receiver has it, plus 1; 0: it does not have it. */
  readonly #received: Float64Array;
  /** The last publication that the receiver has whole, plus 1. */
  #base: number;
  #next: number;
  /** The publication that is being sent. */
  #target: number | undefined;
  /** The block of the target that is compared next. */
  #cursor = 0;
  #scheduled = false;
  readonly #unacknowledged: number[] = [];
  sentBytes = 0;

  /**
   * `has`: the receiver has the publication below this sequence whole; 0: none. `next`: the first
   * one to be sent.
   */
  constructor(
    file: FlowFile,
    history: BlockHistory,
    writer: FrameWriter,
    { has, next }: { readonly has: number; readonly next: number },
    options: SenderOptions,
  ) {
    this.#file = file;
    this.#history = history;
    this.#writer = writer;
    this.#options = options;
    this.#base = has;
    this.#next = next;
    this.#received = new Float64Array(history.changed.length).fill(has);
  }

  get next(): number {
    return this.#next;
  }

  skipTo(sequence: number): void {
    this.#next = Math.max(this.#next, sequence);
  }

  pump(): void {
    if (this.#scheduled || this.#writer.destroyed) return;
    if (this.#target === undefined) {
      const { published } = this.#file;
      if (this.#next >= published || !this.#linkIsFree()) return;
      this.#target = this.#options.isLossless() ? this.#next : published - 1;
      this.#cursor = 0;
    }
    if (this.#writer.waitingBytes <= WAITING_BYTES_MAX) this.#step(this.#target);
    if (this.#target === undefined || this.#writer.waitingBytes > WAITING_BYTES_MAX) return;
    // One frame per turn of the event loop, so that acknowledgements and other links are served.
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  #linkIsFree(): boolean {
    const acknowledged = this.#options.acknowledged();
    while ((this.#unacknowledged[0] ?? acknowledged) < acknowledged) this.#unacknowledged.shift();
    return this.#unacknowledged.length < UNACKNOWLEDGED_MAX;
  }

  /**
   * Sends the next frame of `target`, or of the newest publication where that has left the ring.
   */
  #step(target: number): void {
    let sequence = target;
    if (!this.#file.holds(sequence)) {
      sequence = this.#file.published - 1;
      this.#target = sequence;
      this.#cursor = 0;
      if (!this.#file.holds(sequence)) return;
    }
    const size = this.#file.slotSize(sequence);
    const blocks = this.#missingBlocks(sequence, size);
    if (blocks.length > 0) this.#sendBlocks(sequence, size, blocks);
    else this.#finish(sequence, size);
  }

  /**
   * The next blocks that the receiver lacks. All of one frame are encoded against the base, or none
   * is.
   */
  #missingBlocks(target: number, size: number): number[] {
    const { changed } = this.#history;
    const received = this.#received;
    const end = Math.ceil(size / IMAGE_BLOCK_BYTES);
    const blocks: number[] = [];
    for (; this.#cursor < end && blocks.length < BLOCKS_PER_FRAME; this.#cursor += 1) {
      const block = this.#cursor;
      const version = received[block] ?? 0;
      if (version > target || (changed[block] ?? 0) <= version) continue;
      const [first] = blocks;
      if (first !== undefined && version > this.#base !== (received[first] ?? 0) > this.#base) break;
      blocks.push(block);
    }
    return blocks;
  }

  #sendBlocks(target: number, size: number, blocks: readonly number[]): void {
    const received = this.#received;
    const last = blocks.at(-1) ?? 0;
    const isNewerThanBase = (received[last] ?? 0) > this.#base;
    const base = isNewerThanBase ? undefined : this.#baseMemory((last + 1) * IMAGE_BLOCK_BYTES, size);
    const { payload, ranges, bits } = encodeBlocks(this.#file.payloadOf(target), size, blocks, base);
    for (const block of blocks) received[block] = target + 1;
    this.#write(
      { kind: FrameKind.BLOCKS, sequence: target, value: size, detail: ranges, bits, length: 0, crc: 0 },
      payload,
    );
  }

  /** The base publication, when it is still in the ring and reaches as far as the blocks do. */
  #baseMemory(end: number, size: number): Buffer | undefined {
    const sequence = this.#base - 1;
    if (sequence < 0 || !this.#file.holds(sequence)) return undefined;
    const reaches = this.#file.slotSize(sequence) >= Math.min(end, size);
    return reaches ? this.#file.payloadOf(sequence) : undefined;
  }

  #finish(sequence: number, size: number): void {
    const file = this.#file;
    this.#target = undefined;
    this.#base = sequence + 1;
    this.#next = sequence + 1;
    this.#unacknowledged.push(sequence);
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(size);
    const value = file.slotTimestampNs(sequence);
    const detail = file.slotFlags(sequence);
    this.#write(
      { kind: FrameKind.PUBLICATION, sequence, value, detail, bits: 0, length: 0, crc: 0 },
      payload,
    );
  }

  #write(header: FrameHeader, payload: Buffer): void {
    header.length = payload.length;
    if (this.#options.crc) {
      header.bits |= FrameBits.CRC;
      header.crc = crc32(payload);
    }
    const frame = Buffer.allocUnsafeSlow(FRAME_BYTES + payload.length);
    encodeHeader(frame, 0, header);
    payload.copy(frame, FRAME_BYTES);
    this.sentBytes += frame.length;
    this.#writer.write(frame, () => {
      this.#options.flushed();
      this.pump();
    });
  }
}
