/**
 * From received updates to publications: keeps the header of every slot as new as the image's,
 * finds what changed, publishes only then, and brings the image up to date. Knows the flow file and
 * the image, no socket and no clock.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { ChangedRanges, ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { checkHeader } from '../../protocol/spectcl/display-check.js';
import { DISPLAY_HEADER_BYTES, usedBytes } from '../../protocol/spectcl/display-memory.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';
import { ArrivalScan } from './arrival-scan.js';
import { BlockHistory } from '../../protocol/flow/wire/block-history.js';

/** A received update that was compared with the image and waits for its publication. */
export interface Prepared {
  readonly memory: Buffer;
  /** Bytes of the memory that this update defines. */
  readonly size: number;
  readonly ranges: ChangedRanges;
  readonly headerChanged: boolean;
}

export type Preparation =
  | { readonly kind: 'changed'; readonly prepared: Prepared }
  | { readonly kind: 'unchanged' }
  /** The reply does not fit the header it would be shown under: bindings changed at the source. */
  | { readonly kind: 'misfit' }
  /** A header that leads outside its memory. */
  | { readonly kind: 'unsound'; readonly problem: string };

const NOTHING: ChangedRanges = [];

export class MirrorPublisher {
  readonly #file: FlowFile;
  readonly #image: ImageWriter;
  readonly #ring: RingWriter;
  /** Which version of the header each slot holds; 0 is none. */
  readonly #slotVersion: number[];
  /** When each block changed. */
  readonly history: BlockHistory;
  #imageVersion = 0;
  #size = 0;
  /** The update that is being received. */
  #scan: ArrivalScan | undefined;
  #used = -1;
  headersCopied = 0;
  imageBytesWritten = 0;
  publishedBytes = 0;

  /**
   * `takenOver`: the image holds what a predecessor had published, all of it to be replaced by the
   * first publication.
   */
  constructor(file: FlowFile, image: ImageWriter, takenOver = false) {
    if (takenOver) this.#size = file.geometry.payloadCapacity;
    this.history = new BlockHistory(file.geometry.payloadCapacity, file.published);
    this.#file = file;
    this.#image = image;
    this.#ring = new RingWriter(file);
    this.#slotVersion = Array.from({ length: file.geometry.slotCount }, () => 0);
  }

  get published(): number {
    return this.#ring.published;
  }

  /** The sequence that the next publication will have. */
  get next(): number {
    return this.#ring.next;
  }

  /** Bytes of the newest publication; 0 before the first. */
  get size(): number {
    return this.#size;
  }

  /**
   * Opens the slot that the next publication (ahead 0) or the one after it (ahead 1) will stand in,
   * for an update of this kind.
   */
  open(ahead: 0 | 1, kind: 'full' | 'partial'): Buffer {
    if (kind === 'full') this.#slotVersion[(this.#ring.next + ahead) % this.#slotVersion.length] = 0;
    const memory = this.#ring.begin(ahead);
    this.#scan = this.#scanOf(memory, kind === 'full' ? 0 : DISPLAY_HEADER_BYTES);
    return memory;
  }

  /**
   * So many bytes of the body of the update that was opened last have arrived: they are compared
   * already.
   */
  arrived(kind: 'full' | 'partial', bodyBytes: number): void {
    if (this.#imageVersion > 0) this.#scan?.arrived(bodyBytes + (kind === 'full' ? 0 : DISPLAY_HEADER_BYTES));
  }

  /**
   * Judges a reply that was received into the slot of the next publication. One comparison with the
   * image, no copy of what arrived.
   */
  prepare(memory: Buffer, kind: 'full' | 'partial', bodyBytes: number): Preparation {
    const channelCapacity = this.#file.geometry.payloadCapacity - DISPLAY_HEADER_BYTES;
    if (kind === 'full') {
      const problem = checkHeader(memory, channelCapacity)[0];
      if (problem !== undefined)
        return { kind: 'unsound', problem: `slot ${problem.slot}: ${problem.problem}` };
      return this.#compare(memory, 0, bodyBytes);
    }
    if (this.#imageVersion === 0 || bodyBytes !== this.#expectedChannels(bodyBytes))
      return { kind: 'misfit' };
    const preparation = this.#compare(memory, DISPLAY_HEADER_BYTES, DISPLAY_HEADER_BYTES + bodyBytes);
    const slot = this.#ring.next % this.#slotVersion.length;
    if (preparation.kind === 'changed' && this.#slotVersion[slot] !== this.#imageVersion) {
      this.#image.bytes.copy(memory, 0, 0, DISPLAY_HEADER_BYTES);
      this.#slotVersion[slot] = this.#imageVersion;
      this.headersCopied += 1;
    }
    return preparation;
  }

  /** Publishes what `prepare` found changed. Returns the sequence it was published as. */
  publish(prepared: Prepared, timestampNs: number): number {
    const sequence = this.#ring.next;
    if (prepared.headerChanged || this.#imageVersion === 0) {
      this.#imageVersion += 1;
      this.#used = -1;
    }
    this.#slotVersion[sequence % this.#slotVersion.length] = this.#imageVersion;
    this.#ring.commit(prepared.size, timestampNs);
    this.#ring.publish();
    this.#scan?.imageChanged(prepared.ranges);
    // Viewers map the image without looking at its generation: no spectrum may show under another's
    // header.
    const whole = prepared.memory.subarray(0, prepared.size);
    this.#image.apply(whole, prepared.ranges, sequence, prepared.size, this.#size, updateDisplay);
    this.#size = prepared.size;
    this.history.note(sequence, prepared.ranges, prepared.size);
    this.publishedBytes += prepared.size;
    for (const [start, end] of prepared.ranges) this.imageBytesWritten += end - start;
    return sequence;
  }

  #compare(memory: Buffer, from: number, size: number): Preparation {
    const scan = this.#scan?.memory === memory ? this.#scan : this.#scanOf(memory, from);
    this.#scan = undefined;
    const ranges = this.#imageVersion === 0 ? ([[0, size]] as const) : scan.finish(size);
    if (ranges.length === 0 && size === this.#size) return { kind: 'unchanged' };
    const first = ranges[0];
    const headerChanged = from === 0 && first !== undefined && first[0] < DISPLAY_HEADER_BYTES;
    return {
      kind: 'changed',
      prepared: { memory, size, ranges: ranges.length === 0 ? NOTHING : ranges, headerChanged },
    };
  }

  #scanOf(memory: Buffer, from: number): ArrivalScan {
    return new ArrivalScan(this.#image.bytes, memory, from);
  }

  /**
   * Channel bytes that a reply under the image's header carries; with nothing defined SpecTcl sends
   * 1 and Rustogramer 0.
   */
  #expectedChannels(found: number): number {
    if (this.#used < 0) {
      const capacity = this.#file.geometry.payloadCapacity - DISPLAY_HEADER_BYTES;
      this.#used = usedBytes(this.#image.bytes, capacity);
    }
    return this.#used === 0 && found <= 1 ? found : this.#used;
  }
}
