/**
 * The flow file's byte layout, version 1: the one place where its offsets stand. Little-endian, positions in bytes.
 * `docs/flow-file.md` describes the same layout for programs in other languages.
 *
 * ```
 *    0 ┌──────────────────────────────┬─────────┬─────────────┬───────────┬─────────────┬─────────────────┬───────┐
 *      │ magic "MIRRFLOW"             │ version │ headerBytes │ slotCount │ slotStride  │ payloadCapacity │ flags │
 *   32 ├──────────────────────────────┼─────────┴─────────────┼───────────┴─────────────┼─────────────────┴───────┤
 *      │ createdNs                    │ ownerPid, zero        │ ownerStartTicks         │                         │
 *   64 ├──────────────────────────────┼───────────────────────┴─────────────────────────┴─────────────────────────┤
 *      │ epoch                        │                                                                           │
 *  128 ├──────────────────────────────┼───────────────────────────────────────────────────────────────────────────┤
 *      │ published                    │ (alone on its cache line)                                                 │
 *  192 ├──────────────────────────────┼───────────────────────┬─────────────────────────┬─────────────────────────┤
 *      │ imageGeneration              │ imageApplied          │ sourceState, zero       │ stateSinceNs            │
 *  224 ├──────────────────────────────┼───────────────────────┴─────────────────────────┴─────────────────────────┤
 *      │ granted                      │ provider, zero        │ sourceEpoch             │ heard                   │
 *  256 ├──────────────────────────────┴───────────────────────┴─────────────────────────┴─────────────────────────┤
 *      │ 32 counters of 8                                                                                          │
 *  512 ├──────────────────────────────────────────────────────────────────────────────────────────────────────────┤
 *      │ presence: 64 entries of pid, startTicks                                                                   │
 * 1024 ├───────────────┬──────────────────────────────────────────────────────────────────────────────────────────┤
 *      │ identityBytes │ identity: JSON, UTF-8                                                                      │
 * 4096 ├───────────────┴──────────────────────────────────────────────────────────────────────────────────────────┤
 *      │ slot 0, slot 1, … each slotStride bytes                                                                    │
 *      └──────────────────────────────────────────────────────────────────────────────────────────────────────────┘
 * slot
 *    0 ┌──────────────────────────────┬───────────────────────┬─────────────┬───────────┐
 *      │ sequence + 1; 0: being written │ timestampNs          │ size        │ flags     │
   32 ├──────────────────────────────┴───────────────────────┴─────────────┴───────────┤
      │ frame: scratch of the owner                                                       │
 *   64 ├──────────────────────────────┴───────────────────────┴─────────────┴───────────┤
 *      │ payload, up to payloadCapacity bytes                                              │
 *      └────────────────────────────────────────────────────────────────────────────────┘
 * ```
 */
import assert from 'node:assert/strict';
import { LIMITS } from '../../base/limits.js';

export const FLOW_FILE_MAGIC = 'MIRRFLOW';
export const FLOW_FILE_VERSION = 1;
export const CACHE_LINE_BYTES = 64;

const U32 = 4;
const U64 = 8;

/** Byte offsets in the header. */
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
  published: 2 * CACHE_LINE_BYTES,
  imageGeneration: 3 * CACHE_LINE_BYTES,
  imageApplied: 3 * CACHE_LINE_BYTES + U64,
  sourceState: 3 * CACHE_LINE_BYTES + 2 * U64,
  stateSinceNs: 3 * CACHE_LINE_BYTES + 3 * U64,
  /**
   * Local flows: the provider may write sequences below it. It goes back when a consumer joins at an older buffer, so a provider clears its
   * slot's sequence first, looks here then, and puts the old sequence back when it may not write after all.
   */
  granted: 3 * CACHE_LINE_BYTES + 4 * U64,
  /** u32: 8 times the generation of a local flow's provider that is there or was last (0: none yet), plus the code of the source's state. */
  provider: 3 * CACHE_LINE_BYTES + 5 * U64,
  /** The epoch, at its source, of a flow that another host sends: whose sequences stand here. 0 for every other flow. */
  sourceEpoch: 3 * CACHE_LINE_BYTES + 6 * U64,
  /**
   * Local flows: the duplicator has dealt with a PUBLISHED of this count that asked for no answer. It stores it, then looks at `published`; a
   * provider stores `published`, then looks here, so that one of the two sees the other.
   */
  heard: 3 * CACHE_LINE_BYTES + 7 * U64,
  counters: 4 * CACHE_LINE_BYTES,
  /** The processes of lossless consumers, as far as they are known: see PRESENCE. */
  presence: 512,
  identityLength: 1024,
  identity: 1024 + U32,
} as const;

export const HEADER_BYTES = 4096;
export const COUNTER_CAPACITY = (HEADER.presence - HEADER.counters) / U64;

/** Byte offsets in an entry of the presence table: u32 process id, 0 when the entry is free, and the low u32 of its start time in ticks. */
export const PRESENCE = { pid: 0, startTicks: U32, bytes: U64 } as const;
export const PRESENCE_CAPACITY = (HEADER.identityLength - HEADER.presence) / PRESENCE.bytes;

/** Byte offsets in a slot. */
export const SLOT = {
  sequence: 0,
  timestampNs: U64,
  size: 2 * U64,
  flags: 2 * U64 + U32,
  /** 32 bytes for the owner: the header of the frame in which the buffer travels to or from another host, so that both are one piece. */
  frame: 32,
  payload: CACHE_LINE_BYTES,
} as const;

/**
 * A slot's `flags`: the high half is the generation of the provider that wrote it, counted from 1 by the duplicator, so that the buffers of
 * two providers are told apart one by one; the low half belongs to the flow type.
 */
export const GENERATION_SHIFT = 16;

/** Bits of the header's `flags`. */
export const FLOW_FLAGS = {
  /** The flow is a mirror: an image file stands beside this file. */
  mirror: 1,
  /** Another host sends the flow: its buffers may have gaps, and its duplicator writes them. */
  remote: 2,
} as const;

/** Bytes of a slot in front of its payload: its sequence, its metadata and the frame's room. */
export const SLOT_METADATA_BYTES = SLOT.payload;

/** Added to the sequence word of a sequence that was lost on the way from another host. */
const MISSING = 2 ** 52;

/** The sequence word of a slot that is being written, or never was. */
export const CLEARED_WORD = 0;

/** The sequence word of a slot that holds `sequence`. */
export function presentWord(sequence: number): number {
  return sequence + 1;
}

/**
 * The sequence word of a slot whose `sequence` was lost on the way from another host: to a reader, a
 * slot that holds something else.
 */
export function missingWord(sequence: number): number {
  return MISSING + sequence + 1;
}

/** Whether a sequence word marks a lost sequence. */
export function isMissingWord(word: number): boolean {
  return word >= MISSING;
}

/** `sourceState`: what the flow's data are worth now. The numbers are part of the layout. */
export const SOURCE_STATES = { starting: 0, live: 1, stale: 2, ended: 3 } as const;
export type SourceState = keyof typeof SOURCE_STATES;
/** The generation's factor in the provider word. */
export const PROVIDER_GENERATION = 8;

export function sourceStateOf(code: number): SourceState | undefined {
  for (const [name, value] of Object.entries(SOURCE_STATES)) if (value === code) return name as SourceState;
  return undefined;
}

assert.equal(HEADER.flags + U32, HEADER.createdNs);
assert.equal(HEADER.imageGeneration - HEADER.published, CACHE_LINE_BYTES);
assert(HEADER.heard + U64 <= HEADER.counters);
assert.equal(COUNTER_CAPACITY, 32);
assert.equal(PRESENCE_CAPACITY, 64);
assert.equal(HEADER.identity + LIMITS.identityBytes, HEADER_BYTES);
assert(SLOT.flags + U32 <= SLOT.frame);
assert.equal(SLOT.frame + 32, SLOT.payload);
