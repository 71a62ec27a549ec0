/**
 * Turns received updates into publications: finds what an update changed in comparison with the
 * image (the newest publication), keeps the display header of every slot as new as the image's, and
 * publishes into ring, image and block history. Called by UpdatePipeline, which verifies the header
 * between comparing and publishing. Writes the mapped flow file and image; no socket, no clock.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { changedRanges, type ChangedRanges, type ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { mergeRanges } from '../../protocol/base/byte-ranges.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import { checkHeader } from '../../protocol/spectcl/display-check.js';
import {
  DISPLAY_HEADER_BYTES,
  STATISTICS_OFFSET,
  bindings,
  usedBytes,
} from '../../protocol/spectcl/display-memory.js';
import { writeStatistics } from '../../protocol/spectcl/display-writer.js';
import { updateDisplay } from '../../protocol/spectcl/display-update.js';
import type { SpecTclStatistics } from '../../protocol/spectcl/rest-client.js';
import { IncrementalComparison } from './incremental-comparison.js';
import type { UpdateKind } from './mirror-connection.js';

/** A received update that differs from the image and waits for its publication. */
export interface ChangedUpdate {
  /** The payload of its slot. */
  readonly memory: Buffer;
  /** Bytes of the memory that this update defines. */
  readonly size: number;
  readonly ranges: ChangedRanges;
  readonly headerChanged: boolean;
  /** Whether only the statistics of the header changed, which REST reported. */
  readonly statisticsChanged: boolean;
}

export type Comparison =
  | { readonly kind: 'changed'; readonly update: ChangedUpdate }
  | { readonly kind: 'unchanged' }
  /** The channels do not fit the image's header: bindings changed at the source. */
  | { readonly kind: 'misfit' }
  /** The header refers to bytes outside its memory. */
  | { readonly kind: 'unsound'; readonly problem: string };

/** Header version of a slot whose header is not known. */
const NO_HEADER = 0;
const UNKNOWN_BYTES = -1;
/** Version of a slot whose statistics may be any. */
const UNKNOWN_VERSION = -1;

export class MirrorPublisher {
  readonly #file: FlowFile;
  readonly #image: ImageWriter;
  readonly #ring: RingWriter;
  /** When each block changed, for receivers on other hosts. */
  readonly history: BlockHistory;
  /** Version of the display header that each slot holds. */
  readonly #headerVersions: number[];
  /** Version of the image's display header. */
  #headerVersion = NO_HEADER;
  /** Versions of the statistics in each slot and in the image, under the same header version. */
  readonly #statisticsVersions: number[];
  #statisticsVersion = 0;
  /** Statistics that are newer than the image's; undefined when they have been compared. */
  #newStatistics: readonly SpecTclStatistics[] | undefined;
  /** Slots of the display memory by the names of their spectra, under the image's header. */
  #slotsByName: ReadonlyMap<string, number> | undefined;
  /** Bytes of the newest publication; 0 before the first. */
  #size: number;
  /** The comparison of the update that is being received. */
  #comparison: IncrementalComparison | undefined;
  /** Channel bytes that the image's header assigns. */
  #assignedBytes = UNKNOWN_BYTES;
  headersCopied = 0;
  imageBytesWritten = 0;
  publishedBytes = 0;

  /**
   * `takenOver`: the image holds what a predecessor published; the first publication replaces all
   * of it.
   */
  constructor(file: FlowFile, image: ImageWriter, takenOver = false) {
    const { payloadCapacity, slotCount } = file.geometry;
    this.#file = file;
    this.#image = image;
    this.#ring = new RingWriter(file);
    this.#size = takenOver ? payloadCapacity : 0;
    this.history = new BlockHistory(payloadCapacity, file.published);
    this.#headerVersions = Array.from({ length: slotCount }, () => NO_HEADER);
    this.#statisticsVersions = Array.from({ length: slotCount }, () => 0);
  }

  get published(): number {
    return this.#ring.published;
  }

  /** The sequence of the next publication. */
  get next(): number {
    return this.#ring.next;
  }

  /**
   * Opens the slot of the next publication (`ahead` 0) or of the one after it (`ahead` 1) for an
   * update of this kind. Returns its payload, the caller's until `compare`.
   */
  openSlot(ahead: 0 | 1, kind: UpdateKind): Buffer {
    if (kind === 'full') this.#headerVersions[this.#slotOf(this.#ring.next + ahead)] = NO_HEADER;
    const memory = this.#ring.begin(ahead);
    this.#comparison = this.#comparisonOf(memory, kind === 'full' ? 0 : DISPLAY_HEADER_BYTES);
    return memory;
  }

  /** REST reported these statistics; the next partial update is published with them. */
  noteStatistics(statistics: readonly SpecTclStatistics[]): void {
    this.#newStatistics = statistics;
  }

  /** `bodyBytes` of the update whose slot was opened last have arrived: compares them already. */
  arrived(kind: UpdateKind, bodyBytes: number): void {
    if (this.#headerVersion === NO_HEADER) return;
    this.#comparison?.arrived(bodyBytes + (kind === 'full' ? 0 : DISPLAY_HEADER_BYTES));
  }

  /**
   * Compares an update that was received into `memory`, the slot of the next publication, with the
   * image: one pass over it, no copy.
   */
  compare(memory: Buffer, kind: UpdateKind, bodyBytes: number): Comparison {
    if (kind === 'full') {
      const problem = checkHeader(memory, this.#channelCapacity)[0];
      if (problem !== undefined)
        return { kind: 'unsound', problem: `slot ${problem.slot}: ${problem.problem}` };
      this.#newStatistics = undefined; // those in the header are newer
      return this.#compare(memory, 0, bodyBytes);
    }
    if (this.#headerVersion === NO_HEADER || bodyBytes !== this.#expectedBodyBytes(bodyBytes))
      return { kind: 'misfit' };
    const size = DISPLAY_HEADER_BYTES + bodyBytes;
    const comparison = this.#compare(memory, DISPLAY_HEADER_BYTES, size);
    const statisticsRanges = this.#statisticsRanges(memory);
    if (statisticsRanges.length === 0) {
      if (comparison.kind === 'changed') this.#completeHeader(memory);
      return comparison;
    }
    const channelRanges = comparison.kind === 'changed' ? comparison.update.ranges : [];
    const ranges = mergeRanges([...statisticsRanges, ...channelRanges]);
    return {
      kind: 'changed',
      update: { memory, size, ranges, headerChanged: false, statisticsChanged: true },
    };
  }

  /** Publishes what `compare` found changed: ring, image, history. Returns its sequence. */
  publish(update: ChangedUpdate, timestampNs: number): number {
    const { memory, size, ranges, headerChanged, statisticsChanged } = update;
    const sequence = this.#ring.next;
    if (headerChanged || this.#headerVersion === NO_HEADER) {
      this.#headerVersion += 1;
      this.#assignedBytes = UNKNOWN_BYTES;
      this.#slotsByName = undefined;
    }
    if (statisticsChanged) this.#statisticsVersion += 1;
    this.#headerVersions[this.#slotOf(sequence)] = this.#headerVersion;
    this.#statisticsVersions[this.#slotOf(sequence)] = this.#statisticsVersion;
    this.#ring.commit(size, timestampNs);
    this.#ring.publish();
    this.#comparison?.imageChanged(ranges);
    // Viewers read the image without its generation word, so updateDisplay copies in an order in
    // which no spectrum appears under the header of another.
    this.#image.apply(memory.subarray(0, size), ranges, sequence, size, this.#size, updateDisplay);
    this.#size = size;
    this.history.record(sequence, ranges, size);
    this.publishedBytes += size;
    for (const [start, end] of ranges) this.imageBytesWritten += end - start;
    return sequence;
  }

  #compare(memory: Buffer, from: number, size: number): Comparison {
    const comparison =
      this.#comparison?.memory === memory ? this.#comparison : this.#comparisonOf(memory, from);
    this.#comparison = undefined;
    const ranges = this.#headerVersion === NO_HEADER ? ([[0, size]] as const) : comparison.finish(size);
    if (ranges.length === 0 && size === this.#size) return { kind: 'unchanged' };
    const [first] = ranges;
    const headerChanged = from === 0 && first !== undefined && first[0] < DISPLAY_HEADER_BYTES;
    return { kind: 'changed', update: { memory, size, ranges, headerChanged, statisticsChanged: false } };
  }

  /** A partial update comes without the header, which its slot may hold in an older version. */
  #completeHeader(memory: Buffer): void {
    const slot = this.#slotOf(this.#ring.next);
    if (this.#headerVersions[slot] !== this.#headerVersion) {
      this.#image.bytes.copy(memory, 0, 0, DISPLAY_HEADER_BYTES);
      this.headersCopied += 1;
    } else if (this.#statisticsVersions[slot] !== this.#statisticsVersion) {
      this.#image.bytes.copy(memory, STATISTICS_OFFSET, STATISTICS_OFFSET, DISPLAY_HEADER_BYTES);
    }
    this.#headerVersions[slot] = this.#headerVersion;
    this.#statisticsVersions[slot] = this.#statisticsVersion;
  }

  /**
   * Writes new statistics into the header of `memory`, the slot of the next publication, and
   * returns where they differ from the image's.
   */
  #statisticsRanges(memory: Buffer): ChangedRanges {
    const statistics = this.#newStatistics;
    if (statistics === undefined) return [];
    this.#newStatistics = undefined;
    this.#completeHeader(memory);
    this.#slotsByName ??= new Map(bindings(this.#image.bytes).map(({ name, slot }) => [name, slot]));
    for (const { name, overflows, underflows } of statistics) {
      const slot = this.#slotsByName.get(name);
      if (slot !== undefined) writeStatistics(memory, slot, pair(overflows), pair(underflows));
    }
    // Should the update be dropped, the slot has statistics that the image does not have.
    this.#statisticsVersions[this.#slotOf(this.#ring.next)] = UNKNOWN_VERSION;
    return changedRanges(this.#image.bytes, memory, STATISTICS_OFFSET, DISPLAY_HEADER_BYTES);
  }

  #comparisonOf(memory: Buffer, from: number): IncrementalComparison {
    return new IncrementalComparison(this.#image.bytes, memory, from);
  }

  /**
   * Channel bytes of a reply under the image's header. With no spectrum defined SpecTcl sends 1
   * byte and Rustogramer 0, so both are accepted then.
   */
  #expectedBodyBytes(bodyBytes: number): number {
    if (this.#assignedBytes === UNKNOWN_BYTES)
      this.#assignedBytes = usedBytes(this.#image.bytes, this.#channelCapacity);
    return this.#assignedBytes === 0 && bodyBytes <= 1 ? bodyBytes : this.#assignedBytes;
  }

  get #channelCapacity(): number {
    return this.#file.geometry.payloadCapacity - DISPLAY_HEADER_BYTES;
  }

  #slotOf(sequence: number): number {
    return sequence % this.#headerVersions.length;
  }
}

/** Statistics of the x and y axis; a 1-D spectrum has no second value. */
function pair([x = 0, y = 0]: readonly number[]): [number, number] {
  return [x, y];
}
