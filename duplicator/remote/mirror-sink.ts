/**
 * Fills a mirror's ring and image with the blocks that another host sends: every publication stands
 * in the ring under the sequence it has there, byte for byte, and the image follows it.
 *
 * | state   | event                                | next                                                       |
 * | ------- | ------------------------------------ | ---------------------------------------------------------- |
 * | idle    | BLOCKS or PUBLICATION of n           | filling the slot of n, which is brought up to date before  |
 * | filling | BLOCKS of a later one                | filling that one's slot, with what had come already        |
 * | filling | PUBLICATION                          | idle, published, image brought up to date                  |
 * | filling | a new connection                     | idle, what had come is given up                            |
 *
 * A publication that was given up as missing already, and comes after all, is filled in and not
 * published: the next one builds upon it.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { IMAGE_BLOCK_BYTES, type ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';
import { BLOCKS_PAYLOAD_BYTES, applyBlocks, type ByteRange } from '../../protocol/flow/wire/blocks.js';
import { FrameKind, type FrameHeader } from '../../protocol/flow/wire/frame.js';
import type { FlowHost } from '../serving/flow-host.js';
import { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import { controlReceived } from './control-frames.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import { GapCrossing } from './gap.js';

const PUBLICATION_BYTES = 4;

interface Filling {
  readonly sequence: number;
  readonly slot: number;
  readonly memory: Buffer;
  readonly ranges: ByteRange[];
}

export class MirrorSink implements FlowSink {
  readonly #file: FlowFile;
  readonly #image: ImageWriter;
  readonly #ring: RingWriter;
  readonly #host: FlowHost;
  readonly #hooks: FlowSinkHooks;
  readonly #crossing: GapCrossing;
  readonly history: BlockHistory;
  readonly acknowledgeEvery = 1;
  readonly large = false;
  /** Per slot, the publication it holds, plus 1; 0: nothing that could be built upon. */
  readonly #holds: number[];
  /** Bytes of the newest publication. */
  #size: number;
  #filling: Filling | undefined;
  #flushed = 0;
  imageBytesWritten = 0;
  publishedBytes = 0;

  constructor(file: FlowFile, image: ImageWriter, host: FlowHost, takenOver: boolean, hooks: FlowSinkHooks) {
    this.#file = file;
    this.#image = image;
    this.#ring = new RingWriter(file);
    this.#host = host;
    this.#hooks = hooks;
    this.#crossing = new GapCrossing(file, this.#ring, host);
    this.history = new BlockHistory(file.geometry.payloadCapacity, file.published);
    this.#holds = Array.from({ length: file.geometry.slotCount }, () => 0);
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
    if (filling !== undefined) this.#holds[filling.slot] = 0;
    this.#filling = undefined;
  }

  /** Publications are visible at once; what is left to do is to acknowledge them. */
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

  ahead(): undefined {
    return undefined;
  }

  place(): Buffer {
    throw new Error('a mirror has no buffers of its own');
  }

  admit({ kind, sequence }: Readonly<FrameHeader>): boolean | string {
    if (kind === FrameKind.BUFFER) return 'a buffer came, and the flow is a mirror';
    if (kind !== FrameKind.BLOCKS && kind !== FrameKind.PUBLICATION) return true;
    if (this.#filling?.sequence === sequence) return true;
    const { next } = this.#ring;
    if (sequence < this.#whole) return `publication ${sequence} came where ${next} was to come`;
    if (!this.#crossing.goOnAt(Math.max(sequence, next))) return false;
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
    return controlReceived(header, this.#hooks);
  }

  /**
   * Opens the slot of `sequence` with all that is known until now: the image, or what had come for
   * an earlier one that is given up.
   */
  #fill(sequence: number): void {
    const before = this.#filling;
    const memory = this.#ring.begin();
    const slot = this.#slotOf(this.#ring.next);
    if (before === undefined) this.#bringUpToDate(memory, this.#holds[slot] ?? 0);
    else if (before.slot !== slot) {
      before.memory.copy(memory);
      this.#holds[before.slot] = 0;
    }
    this.#holds[slot] = 0;
    this.#filling = { sequence, slot, memory, ranges: before?.ranges ?? [] };
  }

  /**
   * What a slot holds, plus 1, becomes what the image is: only blocks that changed since are
   * copied.
   */
  #bringUpToDate(memory: Buffer, holds: number): void {
    const { changed } = this.history;
    const image = this.#image.bytes;
    for (let block = 0; block < changed.length;) {
      if (holds > 0 && (changed[block] ?? 0) <= holds) {
        block += 1;
        continue;
      }
      let end = block + 1;
      while (end < changed.length && (holds === 0 || (changed[end] ?? 0) > holds)) end += 1;
      image.copy(memory, block * IMAGE_BLOCK_BYTES, block * IMAGE_BLOCK_BYTES, end * IMAGE_BLOCK_BYTES);
      block = end;
    }
  }

  #publish({ sequence, memory, ranges }: Filling, size: number, header: Readonly<FrameHeader>): void {
    this.#filling = undefined;
    this.#ring.commit(size, header.value, header.detail);
    this.#ring.publish();
    const changed = merged(ranges);
    const whole = memory.subarray(0, size);
    const update = this.#file.identity.type === 'spectra' ? updateDisplay : undefined;
    this.#image.apply(whole, clipped(changed, size), sequence, size, this.#size, update);
    this.history.note(sequence, changed, size);
    this.#holds[this.#slotOf(sequence)] = sequence + 1;
    this.#size = size;
    this.publishedBytes += size;
    for (const [start, end] of changed) this.imageBytesWritten += end - start;
    this.#host.published();
  }

  /** Publications below it are in the image. */
  get #whole(): number {
    return this.#file.imageApplied;
  }

  #slotOf(sequence: number): number {
    return sequence % this.#holds.length;
  }
}

/** Ascending and apart. */
function merged(ranges: readonly ByteRange[]): ByteRange[] {
  const result: [number, number][] = [];
  for (const [start, end] of ranges.toSorted((one, other) => one[0] - other[0])) {
    const last = result.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else result.push([start, end]);
  }
  return result;
}

function clipped(ranges: readonly ByteRange[], size: number): ByteRange[] {
  return ranges.filter(([start]) => start < size).map(([start, end]) => [start, Math.min(end, size)]);
}
