/**
 * Sends a mirror to one duplicator of another host: of each publication only the blocks that this
 * receiver does not have as they are now. A lossy receiver gets the newest publication whenever its
 * link is free, a lossless one every publication in turn. What is encoded is a copy, so the ring is
 * never waited for; the memory it takes is bounded by what may wait in the socket.
 *
 * | state  | event                                    | next                                            |
 * | ------ | ---------------------------------------- | ----------------------------------------------- |
 * | idle   | a publication it does not have, link free | sending that one                               |
 * | sending| a block is missing                       | sending, BLOCKS goes out                        |
 * | sending| the publication has left the ring        | sending the newest                              |
 * | sending| nothing is missing                       | idle, PUBLICATION goes out                      |
 */
import type { Socket } from 'node:net';
import { crc32 } from 'node:zlib';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { IMAGE_BLOCK_BYTES } from '../../protocol/flow/flow-file/image.js';
import { BLOCKS_PER_FRAME, encodeBlocks } from '../../protocol/flow/wire/blocks.js';
import {
  FRAME_BYTES,
  FrameBits,
  FrameKind,
  encodeHeader,
  type FrameHeader,
} from '../../protocol/flow/wire/frame.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import type { FlowSender, SenderOptions } from './flow-sender.js';

/** Encoded bytes that may wait in the socket; what comes behind is encoded when they have gone. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;
/**
 * Publications that are on their way at the same time: what a slow link's buffers hold is old when
 * it arrives.
 */
const ON_THE_WAY_MAX = 2;

export class MirrorSender implements FlowSender {
  readonly usesMap = false;
  readonly #file: FlowFile;
  readonly #history: BlockHistory;
  readonly #socket: Socket;
  readonly #options: SenderOptions;
  /** Per block, the publication that the receiver has it of, plus 1; 0: it has nothing of it. */
  readonly #has: Float64Array;
  /** The last publication that the receiver has whole, plus 1. */
  #base: number;
  #next: number;
  /** What is being sent. */
  #target: number | undefined;
  #cursor = 0;
  #scheduled = false;
  sentBytes = 0;

  /** Sent and not acknowledged. */
  readonly #onTheWay: number[] = [];

  /**
   * `has`: the receiver has the publication below this sequence, whole; 0: nothing. `next`: the
   * first one it is to get.
   */
  constructor(
    file: FlowFile,
    history: BlockHistory,
    socket: Socket,
    { has, next }: { readonly has: number; readonly next: number },
    options: SenderOptions,
  ) {
    this.#file = file;
    this.#history = history;
    this.#socket = socket;
    this.#options = options;
    this.#base = has;
    this.#next = next;
    this.#has = new Float64Array(history.changed.length).fill(has);
  }

  get next(): number {
    return this.#next;
  }

  skipTo(sequence: number): void {
    this.#next = Math.max(this.#next, sequence);
  }

  pump(): void {
    if (this.#scheduled || this.#socket.destroyed) return;
    if (this.#target === undefined) {
      const { published } = this.#file;
      if (this.#next >= published || !this.#linkIsFree()) return;
      this.#target = this.#options.isLossless() ? this.#next : published - 1;
      this.#cursor = 0;
    }
    if (this.#socket.writableLength <= WAITING_BYTES_MAX) this.#step(this.#target);
    if (this.#target === undefined || this.#socket.writableLength > WAITING_BYTES_MAX) return;
    // Acknowledgements and other receivers have their turn in between.
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.pump();
    });
  }

  #linkIsFree(): boolean {
    const acknowledged = this.#options.acknowledged();
    while ((this.#onTheWay[0] ?? acknowledged) < acknowledged) this.#onTheWay.shift();
    return this.#onTheWay.length < ON_THE_WAY_MAX;
  }

  #step(wanted: number): void {
    let target = wanted;
    if (!this.#file.holds(target)) {
      target = this.#file.published - 1;
      this.#target = target;
      this.#cursor = 0;
      if (!this.#file.holds(target)) return;
    }
    const file = this.#file;
    const size = file.slotSize(target);
    const blocks = this.#missing(target, size);
    if (blocks.length > 0) this.#sendBlocks(target, size, blocks);
    else this.#finish(target, size, file.slotTimestampNs(target), file.slotFlags(target));
  }

  /**
   * The next blocks that the receiver lacks, all of them with a base that is known here, or all
   * without.
   */
  #missing(target: number, size: number): number[] {
    const { changed } = this.#history;
    const has = this.#has;
    const end = Math.ceil(size / IMAGE_BLOCK_BYTES);
    const blocks: number[] = [];
    for (; this.#cursor < end && blocks.length < BLOCKS_PER_FRAME; this.#cursor += 1) {
      const block = this.#cursor;
      const mine = has[block] ?? 0;
      if (mine > target || (changed[block] ?? 0) <= mine) continue;
      const first = blocks[0];
      if (first !== undefined && mine > this.#base !== (has[first] ?? 0) > this.#base) break;
      blocks.push(block);
    }
    return blocks;
  }

  #sendBlocks(target: number, size: number, blocks: readonly number[]): void {
    const has = this.#has;
    const last = blocks.at(-1) ?? 0;
    const base =
      (has[last] ?? 0) > this.#base ? undefined : this.#baseMemory((last + 1) * IMAGE_BLOCK_BYTES, size);
    const { payload, ranges, bits } = encodeBlocks(this.#file.payloadOf(target), size, blocks, base);
    for (const block of blocks) has[block] = target + 1;
    this.#write(
      { kind: FrameKind.BLOCKS, sequence: target, value: size, detail: ranges, bits, length: 0, crc: 0 },
      payload,
    );
  }

  /** What the receiver has, when it is still in the ring and reaches as far as the blocks do. */
  #baseMemory(end: number, size: number): Buffer | undefined {
    const sequence = this.#base - 1;
    if (sequence < 0 || !this.#file.holds(sequence)) return undefined;
    const reaches = this.#file.slotSize(sequence) >= Math.min(end, size);
    return reaches ? this.#file.payloadOf(sequence) : undefined;
  }

  #finish(target: number, size: number, timestampNs: number, flags: number): void {
    this.#target = undefined;
    this.#base = target + 1;
    this.#next = target + 1;
    this.#onTheWay.push(target);
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(size);
    this.#write(
      {
        kind: FrameKind.PUBLICATION,
        sequence: target,
        value: timestampNs,
        detail: flags,
        bits: 0,
        length: 0,
        crc: 0,
      },
      payload,
    );
  }

  #write(header: FrameHeader, payload: Buffer): void {
    header.length = payload.length;
    if (this.#options.crc) {
      header.bits |= FrameBits.CRC;
      header.crc = crc32(payload);
    }
    const head = Buffer.allocUnsafe(FRAME_BYTES);
    encodeHeader(head, 0, header);
    this.sentBytes += FRAME_BYTES + payload.length;
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(payload, () => {
      this.#options.flushed();
      this.pump();
    });
    this.#socket.uncork();
  }
}
