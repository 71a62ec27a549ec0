/**
 * The byte layout of a flow file, version 2: the one place that defines its offsets.
 *
 * A flow is a stream of fixed-size buffers from one writer to any number of readers. Its flow file
 * is the ring of those buffers in shared memory, on one host: a header, then `slotCount` slots. The
 * buffer with sequence n lives in slot n mod slotCount. An epoch is a run of sequences; a new one
 * starts them again from 0.
 *
 * Imported by the files of this folder for offsets, by other folders for states, flags and sequence
 * words only: they read and write fields through FlowFile. Pure: constants and arithmetic.
 * docs/flow-file.md describes the same layout for programs in other languages.
 *
 * All numbers are little-endian and unsigned. Offsets and sizes are bytes; a field is 4 bytes wide
 * (u32) or 8 (u64), as its column shows. 0 marks unused bytes, which stay 0.
 *
 * ```
 *     offset  header
 *          0 ┌──────────────────┬──────────┬─────────────┬─────────────┬────────────┬─────────────────┬────────┐
 *            │ magic MIRRFLOW   │ version  │ headerBytes │ slotCount   │ slotStride │ payloadCapacity │ flags  │
 *         32 ├──────────────────┼──────────┼─────────────┼─────────────┴────────────┼─────────────────┴────────┤
 *            │ createdNs        │ ownerPid │ 0           │ ownerStartTicks          │ 0                        │
 *         64 ├──────────────────┼──────────┴─────────────┴──────────────────────────┴──────────────────────────┤
 *            │ epoch            │ providerFirst         │ 0                                                    │
 *        128 ├──────────────────┼──────────────────────────────────────────────────────────────────────────────┤
 *            │ published        │ claimed     │ 0: the line of the writer, which stores them for every batch   │
 *        192 ├──────────────────┼────────────────────────┬─────────────┬────────────┬──────────────────────────┤
 *            │ imageGeneration  │ imageApplied           │ sourceState │ 0          │ stateSinceNs             │
 *        224 ├──────────────────┼──────────┬─────────────┼─────────────┴────────────┼──────────────────────────┤
 *            │ granted          │ provider │ 0           │ sourceEpoch              │ heard                    │
 *        256 ├──────────────────┴──────────┴─────────────┴──────────────────────────┴──────────────────────────┤
 *            │ counters: 32 of 8 bytes (counters.ts)                                                           │
 *        512 ├─────────────────────────────────────────────────────────────────────────────────────────────────┤
 *            │ presence: 64 entries of 8 bytes, each process id and low half of its start time                 │
 *       1024 ├─────────┬───────────────────────────────────────────────────────────────────────────────────────┤
 *            │ length  │ identity: JSON, UTF-8 (identity.ts)                                                   │
 *       4096 ├─────────┴───────────────────────────────────────────────────────────────────────────────────────┤
 *            │ consumers: 64 rows of 64 bytes, see the row below                                               │
 *       8192 ├─────────────────────────────────────────────────────────────────────────────────────────────────┤
 *            │ slot 0, slot 1, … slot slotCount - 1, each slotStride bytes                                     │
 *            └─────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 *     offset  slot
 *          0 ┌──────────────────┬────────────────────────┬─────────────┬────────────┬──────────────────────────┐
 *            │ sequence word    │ timestampNs            │ size        │ flags      │ 0                        │
 *         32 ├──────────────────┴────────────────────────┴─────────────┴────────────┴──────────────────────────┤
 *            │ frame: room for the header of the frame in which the buffer travels between hosts               │
 *         64 ├─────────────────────────────────────────────────────────────────────────────────────────────────┤
 *            │ payload: up to payloadCapacity bytes                                                            │
 * slotStride └─────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 *     offset  consumer row
 *          0 ┌─────────┬────────┬────────┬────────┬──────────────────┬─────────────────────────────────────────┐
 *            │ state   │ client │ pid    │ 0      │ acknowledged     │ missed                                  │
 *         32 ├─────────┴────────┼────────┴────────┼──────────────────┼─────────────────────────────────────────┤
 *            │ holds            │ heldUs          │ holdingSinceUs   │ 0                                       │
 *         64 └──────────────────┴─────────────────┴──────────────────┴─────────────────────────────────────────┘
 * ```
 */
import { assert, assertEqual } from '../../base/assert.js';
import { LIMITS } from '../../base/limits.js';

export const FLOW_FILE_MAGIC = 'MIRRFLOW';
export const FLOW_FILE_VERSION = 2;
export const CACHE_LINE_BYTES = 64;

const U32 = 4;
const U64 = 8;

/** Byte offsets in the header; FlowFile describes each field. */
export const HEADER = {
  magic: 0,
  version: 8,
  headerBytes: 8 + U32,
  slotCount: 8 + 2 * U32,
  slotStride: 8 + 3 * U32,
  payloadCapacity: 8 + 4 * U32,
  flags: 8 + 5 * U32,
  createdNs: 32,
  ownerPid: 32 + U64,
  ownerStartTicks: 32 + 2 * U64,
  epoch: CACHE_LINE_BYTES,
  /** Local flows: the sequence at which the present or last provider opened the flow. */
  providerFirst: CACHE_LINE_BYTES + U64,
  published: 2 * CACHE_LINE_BYTES,
  /**
   * Local flows: the provider may have cleared the slots of sequences below this count. It stores
   * the count, then loads `granted`, and clears nothing that `granted` does not allow; the owner
   * stores a lower `granted`, then loads this count: at least one of the two sees what the other
   * stored. In the cache line of `published`, which the provider writes too.
   */
  claimed: 2 * CACHE_LINE_BYTES + U64,
  imageGeneration: 3 * CACHE_LINE_BYTES,
  imageApplied: 3 * CACHE_LINE_BYTES + U64,
  sourceState: 3 * CACHE_LINE_BYTES + 2 * U64,
  stateSinceNs: 3 * CACHE_LINE_BYTES + 3 * U64,
  /**
   * Credit of a local flow's provider, which may write sequences below this count. The owner lowers
   * it when a lossless consumer joins at an older buffer, never below `claimed`.
   */
  granted: 3 * CACHE_LINE_BYTES + 4 * U64,
  /**
   * u32: 8 times the generation of the present or latest provider of a local flow (0 before the
   * first), plus the code of the source's state.
   */
  provider: 3 * CACHE_LINE_BYTES + 5 * U64,
  /** Flows that another host sends: the epoch that their sequences have there. Otherwise 0. */
  sourceEpoch: 3 * CACHE_LINE_BYTES + 6 * U64,
  /**
   * Local flows: newest count of a PUBLISHED without request for an answer that the duplicator has
   * handled. The duplicator stores this count, then loads `published`; a provider stores
   * `published`, then loads this count: so at least one of the two sees what the other stored.
   */
  heard: 3 * CACHE_LINE_BYTES + 7 * U64,
  counters: 4 * CACHE_LINE_BYTES,
  /** The known processes of lossless consumers: entries as in PRESENCE. */
  presence: 512,
  identityLength: 1024,
  identity: 1024 + U32,
  /** What the owner knows of each consumer: rows as in CONSUMER_ROW. */
  consumers: 4096,
} as const;

export const HEADER_BYTES = 8192;
export const COUNTER_CAPACITY = (HEADER.presence - HEADER.counters) / U64;

/**
 * Byte offsets in an entry of the presence table: u32 process id, 0 in a free entry; low 32 bits of
 * the process's start time in clock ticks since boot.
 */
export const PRESENCE = { pid: 0, startTicks: U32, bytes: U64 } as const;
export const PRESENCE_CAPACITY = (HEADER.identityLength - HEADER.presence) / PRESENCE.bytes;

/** Byte offsets in a row of the consumer table; ConsumerTable describes each field. */
export const CONSUMER_ROW = {
  state: 0,
  client: U32,
  pid: 2 * U32,
  acknowledged: 2 * U64,
  missed: 3 * U64,
  holds: 4 * U64,
  heldUs: 5 * U64,
  holdingSinceUs: 6 * U64,
  bytes: CACHE_LINE_BYTES,
} as const;
export const CONSUMER_CAPACITY = (HEADER_BYTES - HEADER.consumers) / CONSUMER_ROW.bytes;

/** Bits of a row's `state`; 0 in a free row. */
export const CONSUMER_STATE = { taken: 1, lossy: 2, paused: 4, remote: 8 } as const;

/** Byte offsets in a slot. */
export const SLOT = {
  sequence: 0,
  timestampNs: U64,
  size: 2 * U64,
  flags: 2 * U64 + U32,
  /**
   * 32 bytes for the owner's use: the header of the frame in which the buffer travels between
   * hosts, so that header and payload are sent or received as one piece.
   */
  frame: 32,
  payload: CACHE_LINE_BYTES,
} as const;

/**
 * A slot's `flags`: the low half belongs to the flow type; the high half is the generation of the
 * provider that wrote the buffer, which distinguishes the buffers of two providers. The duplicator
 * counts generations from 1.
 */
export const GENERATION_SHIFT = 16;

/** The bits of a slot's `flags` that belong to the flow type. */
export const TYPE_FLAGS_MASK = 2 ** GENERATION_SHIFT - 1;

/** Bits of the header's `flags`. */
export const FLOW_FLAGS = {
  /** The flow is a mirror (of a SpecTcl display memory): an image file stands beside this file. */
  mirror: 1,
  /**
   * Another host sends the flow: the duplicator writes its buffers, and sequences may be missing.
   */
  remote: 2,
  /** The duplicator has a datagram link beside the stream link. */
  datagrams: 4,
} as const;

/**
 * Bytes of a slot in front of its payload: sequence word, metadata and room for a frame's header.
 */
export const SLOT_METADATA_BYTES = SLOT.payload;

/** Added to the word of a sequence that was lost on the way from another host. */
const MISSING = 2 ** 52;

/** The sequence word of a slot that is being written, or that was never written. */
export const CLEARED_WORD = 0;

/** The sequence word of a slot that holds `sequence`. */
export function presentWord(sequence: number): number {
  return sequence + 1;
}

/**
 * The sequence word of a slot whose `sequence` was lost on the way from another host. To a reader
 * the slot holds some other sequence.
 */
export function missingWord(sequence: number): number {
  return MISSING + sequence + 1;
}

/** Whether a sequence word marks a lost sequence. */
export function isMissingWord(word: number): boolean {
  return word >= MISSING;
}

/**
 * Codes of `sourceState`: whether the flow's source delivers data now. The numbers are part of the
 * layout.
 */
export const SOURCE_STATES = { starting: 0, live: 1, stale: 2, ended: 3 } as const;
export type SourceState = keyof typeof SOURCE_STATES;
/** Factor of the generation in the `provider` field. */
export const PROVIDER_GENERATION = 8;

/** Undefined for a number that is no code. */
export function sourceStateOf(code: number): SourceState | undefined {
  for (const [name, value] of Object.entries(SOURCE_STATES)) if (value === code) return name as SourceState;
  return undefined;
}

assertEqual(HEADER.flags + U32, HEADER.createdNs);
assertEqual(HEADER.imageGeneration - HEADER.published, CACHE_LINE_BYTES);
assert(HEADER.heard + U64 <= HEADER.counters);
assertEqual(COUNTER_CAPACITY, 32);
assertEqual(PRESENCE_CAPACITY, 64);
assertEqual(HEADER.identity + LIMITS.identityBytes, HEADER.consumers);
assertEqual(CONSUMER_CAPACITY, 64);
assert(CONSUMER_ROW.holdingSinceUs + U64 <= CONSUMER_ROW.bytes);
assert(SLOT.flags + U32 <= SLOT.frame);
assertEqual(SLOT.frame + 32, SLOT.payload);
