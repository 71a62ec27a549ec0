/**
 * A mapped flow file: typed access to its header and slots for the one writer and any number of
 * readers. Creating and opening stand in their own files; the ring's reading and writing order in
 * ring-writer.ts and ring-reader.ts.
 */
import type { OwnerIdentity } from '../../base/owner-identity.js';
import {
  COUNTER_CAPACITY,
  HEADER,
  PROVIDER_GENERATION,
  SLOT,
  SOURCE_STATES,
  sourceStateOf,
  type SourceState,
} from './layout.js';
import { slotOffset, type Geometry } from './geometry.js';
import type { FlowIdentity } from './identity.js';
import { Words } from './words.js';

export class FlowFile {
  readonly path: string;
  readonly geometry: Geometry;
  readonly identity: FlowIdentity;
  /** Who created the file and answers for it. */
  readonly owner: OwnerIdentity;
  /** Bits of FLOW_FLAGS. */
  readonly flags: number;
  /** The whole mapping. Read-only mappings end the process with SIGSEGV when written to. */
  readonly bytes: Buffer;
  readonly words: Words;

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
  }

  /** Changes whenever sequences start again from 0. */
  get epoch(): number {
    return this.words.load64(HEADER.epoch);
  }

  /**
   * How many buffers of this epoch can be read: sequences below it, as far back as the ring holds
   * them.
   */
  get published(): number {
    return this.words.load64(HEADER.published);
  }

  get sourceState(): SourceState {
    return sourceStateOf(this.words.load32(HEADER.sourceState)) ?? 'stale';
  }

  /**
   * The state together with the generation of the provider that it is about: 0 before the first,
   * and for a flow that its duplicator fills.
   */
  get provider(): { readonly state: SourceState; readonly generation: number } {
    const word = this.words.load32(HEADER.provider);
    const generation = Math.floor(word / PROVIDER_GENERATION);
    return { state: sourceStateOf(word % PROVIDER_GENERATION) ?? 'stale', generation };
  }

  /**
   * Owner only. `sinceNs`: wall-clock nanoseconds since 1970, to 256 ns. `generation`: of the
   * provider that it is about.
   */
  setSourceState(state: SourceState, sinceNs: number, generation = 0): void {
    this.words.store32(HEADER.provider, generation * PROVIDER_GENERATION + SOURCE_STATES[state]);
    this.words.store64(HEADER.stateSinceNs, sinceNs);
    this.words.store32(HEADER.sourceState, SOURCE_STATES[state]);
  }

  get sourceStateSinceNs(): number {
    return this.words.load64(HEADER.stateSinceNs);
  }

  /**
   * A view of the payload area of the slot that `sequence` lives in: `payloadCapacity` bytes, valid
   * as long as the mapping.
   */
  payloadOf(sequence: number): Buffer {
    const start = slotOffset(this.geometry, sequence) + SLOT.payload;
    return this.bytes.subarray(start, start + this.geometry.payloadCapacity);
  }

  counter(id: number): number {
    return this.words.load64(counterOffset(id));
  }

  /** Owner only. */
  setCounter(id: number, value: number): void {
    this.words.store64(counterOffset(id), value);
  }
}

function counterOffset(id: number): number {
  if (!Number.isInteger(id) || id < 0 || id >= COUNTER_CAPACITY) throw new RangeError(`no counter ${id}`);
  return HEADER.counters + id * 8;
}
