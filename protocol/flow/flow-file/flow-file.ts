/**
 * A mapped flow file: named access to every field of its header and of its slots. A flow file is
 * the shared-memory ring of a flow's buffers, written by one process and read by any number.
 *
 * Used by duplicators (the owners), providers, consumers and the recovery program; `createFlowFile`
 * and `openFlowFile` make instances. Touches only the mapped bytes. ring-writer.ts and
 * ring-reader.ts define the order in which the ring is written and read.
 *
 * Every accessor fixes the memory order of its field: loads and stores are atomic and sequentially
 * consistent, unless the accessor's comment states less.
 */
import type { OwnerIdentity } from '../../base/owner-identity.js';
import {
  COUNTER_CAPACITY,
  HEADER,
  missingWord,
  presentWord,
  PROVIDER_GENERATION,
  SLOT,
  SOURCE_STATES,
  sourceStateOf,
  type SourceState,
} from './layout.js';
import { ConsumerTable } from './consumer-table.js';
import { slotOffset, type Geometry } from './geometry.js';
import type { FlowIdentity } from './identity.js';
import { PresenceTable } from './presence-table.js';
import { Words } from './words.js';

export class FlowFile {
  readonly path: string;
  readonly geometry: Geometry;
  readonly identity: FlowIdentity;
  /** The process that created the file or took it over. */
  readonly owner: OwnerIdentity;
  /** Bits of FLOW_FLAGS. */
  readonly flags: number;
  /** The whole mapping. Writing to a read-only mapping ends the process with SIGSEGV. */
  readonly bytes: Buffer;
  /** The mapping as words, by offset: only for the files of this folder. */
  readonly words: Words;
  /** The processes of the flow's lossless consumers. */
  readonly presence: PresenceTable;
  /** Lag, gaps and back-pressure of each consumer. */
  readonly consumers: ConsumerTable;

  constructor(
    path: string,
    bytes: Buffer,
    geometry: Geometry,
    identity: FlowIdentity,
    owner: OwnerIdentity,
    flags: number,
  ) {
    this.path = path;
    this.bytes = bytes;
    this.geometry = geometry;
    this.identity = identity;
    this.owner = owner;
    this.flags = flags;
    this.words = new Words(bytes);
    this.presence = new PresenceTable(this.words);
    this.consumers = new ConsumerTable(this.words);
  }

  /** Changes whenever sequences start again from 0. */
  get epoch(): number {
    return this.words.load64(HEADER.epoch);
  }

  /** Ring writer only. */
  set epoch(epoch: number) {
    this.words.store64(HEADER.epoch, epoch);
  }

  /** Local flows: the sequence at which the present or last provider opened the flow. */
  get providerFirst(): number {
    return this.words.load64(HEADER.providerFirst);
  }

  /** Owner only. */
  set providerFirst(sequence: number) {
    this.words.store64(HEADER.providerFirst, sequence);
  }

  /**
   * Count of this epoch's published buffers: sequences below it can be read, as far back as the
   * ring holds them.
   */
  get published(): number {
    return this.words.load64(HEADER.published);
  }

  /** Ring writer only. */
  set published(count: number) {
    this.words.store64(HEADER.published, count);
  }

  /**
   * Repair of a dead owner's file: raises `published` from `before` to `count` in one step. False
   * when it is not `before` any more: a provider that has not noticed the death of its duplicator
   * publishes at the same time.
   */
  raisePublished(before: number, count: number): boolean {
    return this.words.exchange64(HEADER.published, before, count);
  }

  /** Credit of a local provider: it may write sequences below this count. */
  get granted(): number {
    return this.words.load64(HEADER.granted);
  }

  /** Owner only; for a count above the present one. */
  set granted(count: number) {
    this.words.store64(HEADER.granted, count);
  }

  /** Owner only, for a count below the present one: a reader never sees more than the old count. */
  lowerGranted(count: number): void {
    this.words.lower64(HEADER.granted, count);
  }

  /** Local flows: the provider may have cleared the slots of sequences below this count. */
  get claimed(): number {
    return this.words.load64(HEADER.claimed);
  }

  /** Provider only, for a count above the present one; with a full fence. */
  set claimed(count: number) {
    this.words.store64(HEADER.claimed, count);
  }

  /** Provider only, for a count below the present one: a reader never sees more than that. */
  lowerClaimed(count: number): void {
    this.words.lower64(HEADER.claimed, count);
  }

  /**
   * `granted` without a fence, ordered with the loads around it. For the provider's hot path, never
   * in a loop that waits.
   */
  peekGranted(): number {
    return this.words.peek64(HEADER.granted);
  }

  /**
   * Newest count of a provider's signals without request for an answer that its owner has handled.
   */
  get heard(): number {
    return this.words.load64(HEADER.heard);
  }

  /** Owner only. */
  set heard(count: number) {
    this.words.store64(HEADER.heard, count);
  }

  /** Epoch at its source of a flow that another host sends; 0 for every other flow. */
  get sourceEpoch(): number {
    return this.words.load64(HEADER.sourceEpoch);
  }

  /** Owner only. */
  set sourceEpoch(epoch: number) {
    this.words.store64(HEADER.sourceEpoch, epoch);
  }

  /** Odd while the owner writes to the mirror's image, even while the image is whole. */
  get imageGeneration(): number {
    return this.words.load64(HEADER.imageGeneration);
  }

  /** ImageWriter only. */
  set imageGeneration(generation: number) {
    this.words.store64(HEADER.imageGeneration, generation);
  }

  /** The sequence that was applied to the mirror's image last, plus 1; 0 before the first. */
  get imageApplied(): number {
    return this.words.load64(HEADER.imageApplied);
  }

  /** ImageWriter only. */
  set imageApplied(count: number) {
    this.words.store64(HEADER.imageApplied, count);
  }

  get sourceState(): SourceState {
    return sourceStateOf(this.sourceStateCode) ?? 'stale';
  }

  /** As stored: a damaged file may hold a number that is no state. */
  get sourceStateCode(): number {
    return this.words.load32(HEADER.sourceState);
  }

  /** For the repair of a dead owner's file; a living owner calls `setSourceState`. */
  set sourceStateCode(code: number) {
    this.words.store32(HEADER.sourceState, code);
  }

  /**
   * The source's state with the generation of the provider that it describes: 0 before the first
   * provider, and for a flow that its duplicator fills.
   */
  get provider(): { readonly state: SourceState; readonly generation: number } {
    const word = this.words.load32(HEADER.provider);
    const generation = Math.floor(word / PROVIDER_GENERATION);
    return { state: sourceStateOf(word % PROVIDER_GENERATION) ?? 'stale', generation };
  }

  /**
   * Owner only. `sinceNs`: wall-clock nanoseconds since 1970, to 256 ns. `generation`: of the
   * provider that the state describes.
   */
  setSourceState(state: SourceState, sinceNs: number, generation = 0): void {
    this.words.store32(HEADER.provider, generation * PROVIDER_GENERATION + SOURCE_STATES[state]);
    this.words.store64(HEADER.stateSinceNs, sinceNs);
    this.words.store32(HEADER.sourceState, SOURCE_STATES[state]);
  }

  /** Wall-clock nanoseconds since 1970. */
  get sourceStateSinceNs(): number {
    return this.words.load64(HEADER.stateSinceNs);
  }

  /** One of COUNTERS, by id. */
  counter(id: number): number {
    return this.words.load64(counterOffset(id));
  }

  /** Owner only. */
  setCounter(id: number, value: number): void {
    this.words.store64(counterOffset(id), value);
  }

  /**
   * Makes `owner` the owner of a dead process's file and returns the file as that owner's, over the
   * same mapping. Between the two stores the file still belongs to a dead process: no process has
   * the old id and the new start time.
   */
  ownedBy(owner: OwnerIdentity): FlowFile {
    this.words.store64(HEADER.ownerStartTicks, Number(owner.startTicks));
    this.words.store32(HEADER.ownerPid, owner.pid);
    return new FlowFile(this.path, this.bytes, this.geometry, this.identity, owner, this.flags);
  }

  /**
   * Owner only, while no provider writes: clears the slots of whole buffers that a dead provider
   * did not publish, since the next one writes these sequences again. The last one first: should
   * the owner die meanwhile, the rest are whole buffers without a gap.
   */
  clearUnpublished(): void {
    const { published, geometry } = this;
    for (let sequence = published + geometry.slotCount - 1; sequence >= published; sequence -= 1)
      if (this.holds(sequence)) this.words.clear64(slotOffset(geometry, sequence) + SLOT.sequence);
  }

  /** Whether the slot of `sequence` holds it, whole. */
  holds(sequence: number): boolean {
    return this.slotWord(sequence) === presentWord(sequence);
  }

  /** Whether the slot of `sequence` marks it as lost on the way from another host. */
  isMissing(sequence: number): boolean {
    return this.slotWord(sequence) === missingWord(sequence);
  }

  /** The sequence word of the slot that `sequence` lives in, as layout.ts defines it. */
  slotWord(sequence: number): number {
    return this.words.load64(slotOffset(this.geometry, sequence) + SLOT.sequence);
  }

  /** Bytes used of the payload; from a damaged file any number. Valid while `holds(sequence)`. */
  slotSize(sequence: number): number {
    return this.words.load32(slotOffset(this.geometry, sequence) + SLOT.size);
  }

  /** The slot's flags. Valid while `holds(sequence)`. */
  slotFlags(sequence: number): number {
    return this.words.load32(slotOffset(this.geometry, sequence) + SLOT.flags);
  }

  /**
   * Wall-clock nanoseconds since 1970, loaded without ordering: read after `holds(sequence)`, which
   * orders it.
   */
  slotTimestampNs(sequence: number): number {
    return this.words.plain64(slotOffset(this.geometry, sequence) + SLOT.timestampNs);
  }

  /**
   * A view of the payload area of the slot that `sequence` lives in: `payloadCapacity` bytes, valid
   * as long as the mapping.
   */
  payloadOf(sequence: number): Buffer {
    const start = slotOffset(this.geometry, sequence) + SLOT.payload;
    return this.bytes.subarray(start, start + this.geometry.payloadCapacity);
  }

  /**
   * A view of the room for a frame's header and, behind it, `size` bytes of the payload of the slot
   * that `sequence` lives in: both travel between hosts as one piece.
   */
  framedPayloadOf(sequence: number, size: number): Buffer {
    const slot = slotOffset(this.geometry, sequence);
    return this.bytes.subarray(slot + SLOT.frame, slot + SLOT.payload + size);
  }
}

function counterOffset(id: number): number {
  if (!Number.isInteger(id) || id < 0 || id >= COUNTER_CAPACITY) throw new RangeError(`no counter ${id}`);
  return HEADER.counters + id * 8;
}
