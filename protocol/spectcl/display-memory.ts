/**
 * SpecTcl's display memory: the shared memory in which SpecTcl keeps the definitions and channels
 * of its spectra. This file is the one place that defines its layout, and reads and writes its
 * header. Used by duplicators that mirror such a memory, the client library and the simulator.
 * Pure.
 *
 * Little-endian. The header is a structure of arrays without padding; each array has one entry for
 * each of 10,000 slots, and a slot holds one spectrum ("binding") or is free:
 *
 *           0 +--------------------------------------------------------------+
 *             | dimensions   u32 xchans, u32 ychans                          |
 *      80,000 +--------------------------------------------------------------+
 *             | titles       char[128], NUL-terminated: the spectrum's name  |
 *   1,360,000 +--------------------------------------------------------------+
 *             | info         char[128]                                       |
 *   2,640,000 +--------------------------------------------------------------+
 *             | offsets      u32, in the spectrum's own channels, from the   |
 *             |              start of channel storage                        |
 *   2,680,000 +--------------------------------------------------------------+
 *             | types        i32, 0 = free slot                              |
 *   2,720,000 +--------------------------------------------------------------+
 *             | maps         f32 xmin, xmax, ymin, ymax;                     |
 *             |              char[128] xlabel, char[128] ylabel              |
 *   5,440,000 +--------------------------------------------------------------+
 *             | statistics   u32 overflows[2], u32 underflows[2]             |
 *   5,600,000 +--------------------------------------------------------------+
 *             | channel storage, as many bytes as the server states          |
 *             +--------------------------------------------------------------+
 *
 * Functions take the memory as a Uint8Array, usually a view of a mapped file that another process
 * writes at the same time, so its contents are not trusted: an invalid header gives wrong values or
 * an error, never an access outside the memory.
 */
import assert from 'node:assert/strict';
import { MirrorflowError } from '../base/errors.js';
import { decodeField, encodeField } from './text.js';

export const DISPLAY_SLOTS = 10_000;
/** Bytes of a title, info or label, including its NUL. */
export const TEXT_FIELD_BYTES = 128;

const DIMENSIONS_ENTRY = 8;
const OFFSETS_ENTRY = 4;
const TYPES_ENTRY = 4;
const MAPS_ENTRY = 16 + 2 * TEXT_FIELD_BYTES;
const STATISTICS_ENTRY = 16;

const DIMENSIONS = 0;
const TITLES = DIMENSIONS + DISPLAY_SLOTS * DIMENSIONS_ENTRY;
const INFO = TITLES + DISPLAY_SLOTS * TEXT_FIELD_BYTES;
const OFFSETS = INFO + DISPLAY_SLOTS * TEXT_FIELD_BYTES;
const TYPES = OFFSETS + DISPLAY_SLOTS * OFFSETS_ENTRY;
const MAPS = TYPES + DISPLAY_SLOTS * TYPES_ENTRY;
/** Offset of the statistics: bytes in front of it change only with the bindings. */
export const STATISTICS_OFFSET = MAPS + DISPLAY_SLOTS * MAPS_ENTRY;
/** Bytes of the header, which is the offset of channel storage. */
export const DISPLAY_HEADER_BYTES = STATISTICS_OFFSET + DISPLAY_SLOTS * STATISTICS_ENTRY;

const BINDING_ARRAYS = [
  [TYPES, TYPES_ENTRY],
  [DIMENSIONS, DIMENSIONS_ENTRY],
  [OFFSETS, OFFSETS_ENTRY],
  [TITLES, TEXT_FIELD_BYTES],
  [INFO, TEXT_FIELD_BYTES],
  [MAPS, MAPS_ENTRY],
] as const;

assert.deepEqual([TITLES, INFO, OFFSETS, TYPES, MAPS], [80_000, 1_360_000, 2_640_000, 2_680_000, 2_720_000]);
assert.deepEqual([STATISTICS_OFFSET, DISPLAY_HEADER_BYTES], [5_440_000, 5_600_000]);
assert.equal(DISPLAY_HEADER_BYTES, DISPLAY_SLOTS * 560);
// Typed arrays have the machine's byte order; every machine that SpecTcl and Node.js run on is
// little-endian.
assert.equal(new Uint8Array(Uint32Array.of(1).buffer)[0], 1);

/** Spectrum types by their code in the header. */
export const SPECTRUM_TYPES = {
  1: { name: '2D byte', dimensions: 2, bytesPerChannel: 1 },
  2: { name: '1D word', dimensions: 1, bytesPerChannel: 2 },
  3: { name: '2D word', dimensions: 2, bytesPerChannel: 2 },
  4: { name: '1D long', dimensions: 1, bytesPerChannel: 4 },
  5: { name: '2D long', dimensions: 2, bytesPerChannel: 4 },
} as const;
export type SpectrumTypeCode = keyof typeof SPECTRUM_TYPES;
export type SpectrumType = (typeof SPECTRUM_TYPES)[SpectrumTypeCode];

/** A defined slot as stored in the header; `checkHeader` checks it against the storage. */
export interface Binding {
  readonly slot: number;
  /** The spectrum's name, truncated to 127 bytes. */
  readonly name: string;
  readonly info: string;
  readonly type: SpectrumType;
  readonly dimensions: 1 | 2;
  readonly xchans: number;
  /** 1 for a 1-D spectrum, whatever the header holds. */
  readonly ychans: number;
  /** First byte of the channels, from the start of the memory (not of channel storage). */
  readonly byteOffset: number;
  /** Bytes of all channels; a double, so that invalid dimensions do not overflow. */
  readonly byteLength: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin: number;
  readonly ymax: number;
  readonly xlabel: string;
  readonly ylabel: string;
  /** Counts above the range, of x and y. */
  readonly overflows: readonly [number, number];
  readonly underflows: readonly [number, number];
}

export type Channels = Uint8Array | Uint16Array | Uint32Array;

/** The fields that a writer sets; `Binding` has what follows from them. */
export interface BindingFields {
  readonly name: string;
  readonly info?: string;
  readonly type: SpectrumTypeCode;
  readonly xchans: number;
  /** 0 or 1 for a 1-D spectrum. */
  readonly ychans: number;
  /** In channels of the spectrum's own type, from the start of channel storage. */
  readonly channelOffset: number;
  readonly xmin: number;
  readonly xmax: number;
  readonly ymin?: number;
  readonly ymax?: number;
  readonly xlabel?: string;
  readonly ylabel?: string;
}

export interface HeaderProblem {
  readonly slot: number;
  readonly problem: string;
}

/** Largest number of reported problems; an invalid header may have ten thousand. */
const HEADER_PROBLEMS_MAX = 100;

/** The spectrum in a slot; undefined when the slot is free, out of range or of an unknown type. */
export function readBinding(memory: Uint8Array, slot: number): Binding | undefined {
  if (!Number.isInteger(slot) || slot < 0 || slot >= DISPLAY_SLOTS) return undefined;
  const view = headerView(memory);
  const type = typeOf(view.getInt32(TYPES + slot * TYPES_ENTRY, true));
  if (type === undefined) return undefined;
  const { xchans, ychans, byteOffset, byteLength } = extentOf(view, slot, type);
  const map = MAPS + slot * MAPS_ENTRY;
  const statistics = STATISTICS_OFFSET + slot * STATISTICS_ENTRY;
  return {
    slot,
    name: decodeField(textField(memory, TITLES, slot)),
    info: decodeField(textField(memory, INFO, slot)),
    type,
    dimensions: type.dimensions,
    xchans,
    ychans,
    byteOffset,
    byteLength,
    xmin: view.getFloat32(map, true),
    xmax: view.getFloat32(map + 4, true),
    ymin: view.getFloat32(map + 8, true),
    ymax: view.getFloat32(map + 12, true),
    xlabel: decodeField(labelField(memory, slot, 0)),
    ylabel: decodeField(labelField(memory, slot, 1)),
    overflows: [view.getUint32(statistics, true), view.getUint32(statistics + 4, true)],
    underflows: [view.getUint32(statistics + 8, true), view.getUint32(statistics + 12, true)],
  };
}

/** All defined spectra, ordered by slot. Costs some 10 µs plus the time of the defined slots. */
export function bindings(memory: Uint8Array): Binding[] {
  const types = typesOf(memory);
  const defined: Binding[] = [];
  for (let slot = 0; slot < DISPLAY_SLOTS; slot++) {
    if (types[slot] === 0) continue;
    const binding = readBinding(memory, slot);
    if (binding !== undefined) defined.push(binding);
  }
  return defined;
}

/**
 * A view of a spectrum's channels, row by row with x fastest, which changes with the memory. Only
 * for channels that are not aligned to their size (a memory at an odd address) a copy. Throws
 * SOURCE_PROTOCOL when the binding exceeds the memory.
 */
export function channelsOf(memory: Uint8Array, binding: Binding): Channels {
  const { byteOffset, byteLength, type } = binding;
  if (byteOffset < DISPLAY_HEADER_BYTES || byteOffset + byteLength > memory.byteLength) {
    throw new MirrorflowError(
      'SOURCE_PROTOCOL',
      `The header places spectrum ${JSON.stringify(binding.name)} (slot ${binding.slot}) at bytes ${byteOffset} to ${byteOffset + byteLength}, outside a display memory of ${memory.byteLength} bytes`,
      { slot: binding.slot, byteOffset, byteLength, memoryBytes: memory.byteLength },
    );
  }
  const bytes = memory.subarray(byteOffset, byteOffset + byteLength);
  if (type.bytesPerChannel === 1) return bytes;
  const aligned = bytes.byteOffset % type.bytesPerChannel === 0 ? bytes : bytes.slice();
  const count = byteLength / type.bytesPerChannel;
  return type.bytesPerChannel === 2
    ? new Uint16Array(aligned.buffer, aligned.byteOffset, count)
    : new Uint32Array(aligned.buffer, aligned.byteOffset, count);
}

/**
 * The used bytes of channel storage by SpecTcl's definition, which an update carries: from 0 to the
 * end of the defined spectrum with the largest byte offset. 0 without a defined spectrum, at most
 * `channelBytes`.
 */
export function usedBytes(memory: Uint8Array, channelBytes: number): number {
  const types = typesOf(memory);
  const view = headerView(memory);
  let last = -1;
  let end = 0;
  for (let slot = 0; slot < DISPLAY_SLOTS; slot++) {
    const type = typeOf(types[slot] ?? 0);
    if (type === undefined) continue;
    const { byteOffset, byteLength } = extentOf(view, slot, type);
    if (byteOffset < last) continue;
    last = byteOffset;
    end = byteOffset + byteLength - DISPLAY_HEADER_BYTES;
  }
  return Math.min(end, channelBytes);
}

/**
 * The problems of a header that would mislead a reader, at most HEADER_PROBLEMS_MAX; empty for a
 * sound header. `channelBytes`: size of the channel storage. Reads only the header of `memory`.
 */
export function checkHeader(memory: Uint8Array, channelBytes: number): HeaderProblem[] {
  const types = typesOf(memory);
  const view = headerView(memory);
  const problems: HeaderProblem[] = [];
  for (let slot = 0; slot < DISPLAY_SLOTS && problems.length < HEADER_PROBLEMS_MAX; slot++) {
    const code = types[slot] ?? 0;
    if (code === 0) continue;
    const problem = slotProblem(memory, view, slot, code, channelBytes);
    if (problem !== undefined) problems.push({ slot, problem });
  }
  return problems;
}

/**
 * Defines a slot and sets its statistics to 0; its channels stay unchanged. Throws RangeError for a
 * slot out of range.
 */
export function writeBinding(memory: Uint8Array, slot: number, fields: BindingFields): void {
  checkSlot(slot);
  const view = headerView(memory);
  view.setUint32(DIMENSIONS + slot * DIMENSIONS_ENTRY, fields.xchans, true);
  view.setUint32(DIMENSIONS + slot * DIMENSIONS_ENTRY + 4, fields.ychans, true);
  view.setUint32(OFFSETS + slot * OFFSETS_ENTRY, fields.channelOffset, true);
  encodeField(textField(memory, TITLES, slot), fields.name);
  encodeField(textField(memory, INFO, slot), fields.info ?? '');
  const map = MAPS + slot * MAPS_ENTRY;
  view.setFloat32(map, fields.xmin, true);
  view.setFloat32(map + 4, fields.xmax, true);
  view.setFloat32(map + 8, fields.ymin ?? 0, true);
  view.setFloat32(map + 12, fields.ymax ?? 0, true);
  encodeField(labelField(memory, slot, 0), fields.xlabel ?? '');
  encodeField(labelField(memory, slot, 1), fields.ylabel ?? '');
  writeStatistics(memory, slot, [0, 0], [0, 0]);
  // Last, so that no reader of the same memory sees a defined slot without its fields.
  view.setInt32(TYPES + slot * TYPES_ENTRY, fields.type, true);
}

export function writeStatistics(
  memory: Uint8Array,
  slot: number,
  overflows: readonly [number, number],
  underflows: readonly [number, number],
): void {
  checkSlot(slot);
  const view = headerView(memory);
  const at = STATISTICS_OFFSET + slot * STATISTICS_ENTRY;
  view.setUint32(at, overflows[0], true);
  view.setUint32(at + 4, overflows[1], true);
  view.setUint32(at + 8, underflows[0], true);
  view.setUint32(at + 12, underflows[1], true);
}

/** Byte range of the types: a slot of a header that is updated in place is defined by its type. */
export const TYPES_RANGE = [TYPES, MAPS] as const;

/**
 * Whether a slot's definition differs in two memories, apart from statistics. Two free slots are
 * equal.
 */
export function bindingDiffers(a: Uint8Array, b: Uint8Array, slot: number): boolean {
  checkSlot(slot);
  const type = TYPES + slot * TYPES_ENTRY;
  if (headerView(a).getInt32(type, true) === 0 && headerView(b).getInt32(type, true) === 0) return false;
  return BINDING_ARRAYS.some(([array, entry]) => {
    const at = array + slot * entry;
    return Buffer.compare(a.subarray(at, at + entry), b.subarray(at, at + entry)) !== 0;
  });
}

/** Frees a slot: sets its type to 0 and leaves its other fields, as SpecTcl does. */
export function clearBinding(memory: Uint8Array, slot: number): void {
  checkSlot(slot);
  headerView(memory).setInt32(TYPES + slot * TYPES_ENTRY, 0, true);
}

function slotProblem(
  memory: Uint8Array,
  view: DataView,
  slot: number,
  code: number,
  channelBytes: number,
): string | undefined {
  const type = typeOf(code);
  if (type === undefined) return `unknown type ${code}`;
  if (textField(memory, TITLES, slot).indexOf(0) < 0) return 'title without a terminating NUL';
  const { xchans, ychans, byteOffset, byteLength } = extentOf(view, slot, type);
  if (xchans === 0 || ychans === 0) return `${xchans} x ${ychans} channels`;
  const first = byteOffset - DISPLAY_HEADER_BYTES;
  if (first + byteLength <= channelBytes) return undefined;
  return `${type.name}, ${xchans} x ${ychans} channels at byte ${first}, ends at byte ${first + byteLength}, beyond the ${channelBytes} bytes of channel storage`;
}

/**
 * Position and size of a slot's channels. All values are below 2^67: doubles do not overflow and
 * keep the precision that a comparison with a memory size needs.
 */
function extentOf(view: DataView, slot: number, type: SpectrumType) {
  const xchans = view.getUint32(DIMENSIONS + slot * DIMENSIONS_ENTRY, true);
  const ychans = type.dimensions === 1 ? 1 : view.getUint32(DIMENSIONS + slot * DIMENSIONS_ENTRY + 4, true);
  const channelOffset = view.getUint32(OFFSETS + slot * OFFSETS_ENTRY, true);
  return {
    xchans,
    ychans,
    byteOffset: DISPLAY_HEADER_BYTES + channelOffset * type.bytesPerChannel,
    byteLength: xchans * ychans * type.bytesPerChannel,
  };
}

const TYPES_BY_CODE: readonly (SpectrumType | undefined)[] = [
  undefined,
  ...[1, 2, 3, 4, 5].map((code) => SPECTRUM_TYPES[code as SpectrumTypeCode]),
];

function typeOf(code: number): SpectrumType | undefined {
  return TYPES_BY_CODE[code];
}

function typesOf(memory: Uint8Array): Int32Array {
  checkMemory(memory);
  const bytes = memory.subarray(TYPES, MAPS);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, DISPLAY_SLOTS);
}

function headerView(memory: Uint8Array): DataView {
  checkMemory(memory);
  return new DataView(memory.buffer, memory.byteOffset, DISPLAY_HEADER_BYTES);
}

function textField(memory: Uint8Array, array: number, slot: number): Uint8Array {
  const at = array + slot * TEXT_FIELD_BYTES;
  return memory.subarray(at, at + TEXT_FIELD_BYTES);
}

function labelField(memory: Uint8Array, slot: number, axis: 0 | 1): Uint8Array {
  const at = MAPS + slot * MAPS_ENTRY + 16 + axis * TEXT_FIELD_BYTES;
  return memory.subarray(at, at + TEXT_FIELD_BYTES);
}

function checkMemory(memory: Uint8Array): void {
  if (memory.byteLength >= DISPLAY_HEADER_BYTES) return;
  throw new MirrorflowError(
    'SOURCE_PROTOCOL',
    `A display memory has at least ${DISPLAY_HEADER_BYTES} bytes; this one has ${memory.byteLength}`,
    { memoryBytes: memory.byteLength },
  );
}

function checkSlot(slot: number): void {
  if (Number.isInteger(slot) && slot >= 0 && slot < DISPLAY_SLOTS) return;
  throw new RangeError(`a slot is an integer from 0 to ${DISPLAY_SLOTS - 1}, not ${slot}`);
}
