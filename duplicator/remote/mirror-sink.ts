/**
 * Fills a mirror's ring and image with the blocks that a duplicator of another host sends: every
 * publication (a whole display memory) stands in the ring under the sequence that it has there,
 * byte for byte, and the image follows. Driven by UpstreamReceiver; writes the mapped flow file and
 * image.
 *
 * | state   | event                                | next                                                     |
 * | ------- | ------------------------------------ | -------------------------------------------------------- |
 * | idle    | BLOCKS or PUBLICATION of n           | filling the slot of n, which first becomes a copy of the image |
 * | filling | BLOCKS of a later publication        | filling that one's slot, with the blocks so far          |
 * | filling | PUBLICATION                          | idle, published, image brought up to date                |
 * | filling | a new link                           | idle, the blocks so far are discarded                    |
 *
 * A publication that was counted as missing and arrives after all is filled in and not published:
 * the next one builds upon it.
 */
import { mergeRanges } from '../../protocol/base/byte-ranges.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { IMAGE_BLOCK_BYTES, type ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import { BLOCKS_PAYLOAD_BYTES, applyBlocks, type ByteRange } from '../../protocol/flow/wire/blocks.js';
import { FrameKind, type FrameHeader } from '../../protocol/flow/wire/frame.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';
import type { FlowHost } from '../serving/flow-host.js';
import { receiveControlFrame } from './control-frames.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import { GapCrossing } from './gap-crossing.js';

/** Payload of a PUBLICATION frame: the size of the publication, u32. */
const PUBLICATION_BYTES = 4;

interface Filling {
  readonly sequence: number;
  readonly slot: number;
  readonly memory: Buffer;
  /** Bytes that blocks changed. */
  readonly ranges: ByteRange[];
}

export class MirrorSink implements FlowSink {
  readonly #file: FlowFile;
  readonly #image: ImageWriter;
  readonly #ring: RingWriter;
  readonly #host: FlowHost;
  readonly #hooks: FlowSinkHooks;
  readonly #crossing: GapCrossing;
  /** When each block changed, for receivers on further hosts. */
  readonly history: BlockHistory;
  readonly acknowledgeEvery = 1;
  readonly large = false;
  /** Per slot: the publication it holds, plus 1; 0: nothing that could be built upon. */
  readonly #versions: number[];
  /** Bytes of the newest publication. */
  #size: number;
  #filling: Filling | undefined;
  /** The published count at the last flush. */
  #flushed = 0;

  constructor(file: FlowFile, image: ImageWriter, host: FlowHost, takenOver: boolean, hooks: FlowSinkHooks) {
    this.#file = file;
    this.#image = image;
    this.#ring = new RingWriter(file);
    this.#host = host;
    this.#hooks = hooks;
    this.#crossing = new GapCrossing(file, this.#ring, host);
    this.history = new BlockHistory(file.geometry.payloadCapacity, file.published);
    this.#versions = Array.from({ length: file.geometry.slotCount }, () => 0);
    this.#size = takenOver ? file.geometry.payloadCapacity : 0;
  }

  get next(): number {
    return this.#file.published;
  }

  get gaps(): number {
    return this.#crossing.gaps;
  }

  get missing(): number {
    return this.#crossing.missing;
  }

  begin(): void {
    const filling = this.#filling;
    if (filling !== undefined) this.#versions[filling.slot] = 0;
    this.#filling = undefined;
  }

  /** Publications are published as they arrive; what a flush adds is their acknowledgement. */
  get unseen(): number {
    return this.#ring.published - this.#flushed;
  }

  flush(): number {
    this.#flushed = this.#ring.published;
    return this.#flushed;
  }

  room(): Promise<void> {
    return this.#crossing.room();
  }

  limitOf(kind: FrameKind): number {
    if (kind === FrameKind.BLOCKS) return BLOCKS_PAYLOAD_BYTES;
    return kind === FrameKind.PUBLICATION ? PUBLICATION_BYTES : 0;
  }

  expects(): boolean {
    return false;
  }

  reserveNext(): undefined {
    return undefined;
  }

  place(): Buffer {
    throw new Error('a mirror is sent in blocks and has no place for a whole buffer');
  }

  admit({ kind, sequence }: Readonly<FrameHeader>): boolean | string {
    if (kind === FrameKind.BUFFER) return 'a whole buffer arrived, and the flow is a mirror';
    if (kind !== FrameKind.BLOCKS && kind !== FrameKind.PUBLICATION) return true;
    if (this.#filling?.sequence === sequence) return true;
    const { next } = this.#ring;
    if (sequence < this.#file.imageApplied)
      return `publication ${sequence} arrived where ${next} was expected`;
    if (!this.#crossing.advanceTo(Math.max(sequence, next))) return false;
    this.#fill(sequence);
    return true;
  }

  frame(header: Readonly<FrameHeader>, payload: Buffer): string | undefined {
    const filling = this.#filling;
    if (header.kind === FrameKind.BLOCKS && filling !== undefined) {
      const applied = applyBlocks(payload, header.detail, header.bits, header.value, filling.memory);
      if (typeof applied === 'string') return applied;
      filling.ranges.push(...applied);
      return undefined;
    }
    if (header.kind === FrameKind.PUBLICATION && filling !== undefined) {
      const size = payload.length === PUBLICATION_BYTES ? payload.readUInt32LE(0) : -1;
      if (size < 0 || size > filling.memory.length)
        return `publication ${header.sequence} claims ${size} bytes; there is room for ${filling.memory.length}`;
      if (filling.sequence === this.#ring.next) this.#publish(filling, size, header);
      return undefined;
    }
    return receiveControlFrame(header, this.#hooks);
  }

  /**
   * Opens the slot of `sequence` with the newest known content: the image, or the blocks so far of
   * an earlier publication that was left unfinished.
   */
  #fill(sequence: number): void {
    const unfinished = this.#filling;
    const memory = this.#ring.begin();
    const slot = this.#slotOf(this.#ring.next);
    if (unfinished === undefined) this.#copyImage(memory, this.#versions[slot] ?? 0);
    else if (unfinished.slot !== slot) {
      unfinished.memory.copy(memory);
      this.#versions[unfinished.slot] = 0;
    }
    this.#versions[slot] = 0;
    this.#filling = { sequence, slot, memory, ranges: unfinished?.ranges ?? [] };
  }

  /** Copies the blocks of the image that changed since `version`, which `memory` holds; 0: all. */
  #copyImage(memory: Buffer, version: number): void {
    const { changed } = this.history;
    const image = this.#image.bytes;
    for (let block = 0; block < changed.length;) {
      if (version > 0 && (changed[block] ?? 0) <= version) {
        block += 1;
        continue;
      }
      let end = block + 1;
      while (end < changed.length && (version === 0 || (changed[end] ?? 0) > version)) end += 1;
      image.copy(memory, block * IMAGE_BLOCK_BYTES, block * IMAGE_BLOCK_BYTES, end * IMAGE_BLOCK_BYTES);
      block = end;
    }
  }

  #publish({ sequence, memory, ranges }: Filling, size: number, header: Readonly<FrameHeader>): void {
    this.#filling = undefined;
    this.#ring.commit(size, header.value, header.detail);
    this.#ring.publish();
    const changed = mergeRanges(ranges);
    const update = this.#file.identity.type === 'spectra' ? updateDisplay : undefined;
    const clipped = clipRanges(changed, size);
    this.#image.apply(memory.subarray(0, size), clipped, sequence, size, this.#size, update);
    this.history.record(sequence, changed, size);
    this.#versions[this.#slotOf(sequence)] = sequence + 1;
    this.#size = size;
    this.#host.published();
  }

  #slotOf(sequence: number): number {
    return sequence % this.#versions.length;
  }
}

function clipRanges(ranges: readonly ByteRange[], size: number): ByteRange[] {
  return ranges.filter(([start]) => start < size).map(([start, end]) => [start, Math.min(end, size)]);
}
