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
import { assertEqual } from '../base/assert.js';
import { MirrorflowError } from '../base/errors.js';
import { decodeField } from './text.js';

export const DISPLAY_SLOTS = 10_000;
/** Bytes of a title, info or label, including its NUL. */
export const TEXT_FIELD_BYTES = 128;

/** Bytes of an entry in each array of the header. */
export const ENTRY_BYTES = {
  dimensions: 8,
  titles: TEXT_FIELD_BYTES,
  info: TEXT_FIELD_BYTES,
  offsets: 4,
  types: 4,
  maps: 16 + 2 * TEXT_FIELD_BYTES,
  statistics: 16,
} as const;

const TITLES = DISPLAY_SLOTS * ENTRY_BYTES.dimensions;
const INFO = TITLES + DISPLAY_SLOTS * ENTRY_BYTES.titles;
const OFFSETS = INFO + DISPLAY_SLOTS * ENTRY_BYTES.info;
const TYPES = OFFSETS + DISPLAY_SLOTS * ENTRY_BYTES.offsets;
const MAPS = TYPES + DISPLAY_SLOTS * ENTRY_BYTES.types;
/** Offset of the statistics: bytes in front of it change only with the bindings. */
export const STATISTICS_OFFSET = MAPS + DISPLAY_SLOTS * ENTRY_BYTES.maps;
/** Bytes of the header, which is the offset of channel storage. */
export const DISPLAY_HEADER_BYTES = STATISTICS_OFFSET + DISPLAY_SLOTS * ENTRY_BYTES.statistics;

/** Offset of each array in the header. */
export const ARRAY_OFFSETS = {
  dimensions: 0,
  titles: TITLES,
  info: INFO,
  offsets: OFFSETS,
  types: TYPES,
  maps: MAPS,
  statistics: STATISTICS_OFFSET,
} as const;
export type DisplayArray = keyof typeof ARRAY_OFFSETS;

assertEqual([TITLES, INFO, OFFSETS, TYPES, MAPS].join(), '80000,1360000,2640000,2680000,2720000');
assertEqual(STATISTICS_OFFSET, 5_440_000);
assertEqual(DISPLAY_HEADER_BYTES, 5_600_000);
assertEqual(DISPLAY_HEADER_BYTES, DISPLAY_SLOTS * 560);
// Typed arrays have the machine's byte order; every machine that SpecTcl and Node.js run on is
// little-endian.
assertEqual(new Uint8Array(Uint32Array.of(1).buffer)[0], 1);

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
  /** Number of the entry in the display memory. */
  readonly slot: number;
  /** The spectrum's name, truncated to 127 bytes. */
  readonly name: string;
  /** Text that SpecTcl keeps with the spectrum. */
  readonly info: string;
  /** Type of the channels: dimensions and bits. */
  readonly type: SpectrumType;
  /** 1 or 2. */
  readonly dimensions: 1 | 2;
  /** Channels along x, those of under- and overflow included. */
  readonly xchans: number;
  /** 1 for a 1-D spectrum, whatever the header holds. */
  readonly ychans: number;
  /** First byte of the channels, from the start of the memory (not of channel storage). */
  readonly byteOffset: number;
  /** Bytes of all channels; a double, so that invalid dimensions do not overflow. */
  readonly byteLength: number;
  /** Low end of the x axis, in its units. */
  readonly xmin: number;
  /** High end of the x axis, in its units. */
  readonly xmax: number;
  /** Low end of the y axis, in its units. */
  readonly ymin: number;
  /** High end of the y axis, in its units. */
  readonly ymax: number;
  /** Label of the x axis. */
  readonly xlabel: string;
  /** Label of the y axis. */
  readonly ylabel: string;
  /** Counts above the range, of x and y. */
  readonly overflows: readonly [number, number];
  /** Counts below the axes, of x and y. */
  readonly underflows: readonly [number, number];
}

/** Counts of a spectrum, 8, 16 or 32 bits each. */
export type Channels = Uint8Array | Uint16Array | Uint32Array;

/** The spectrum in a slot; undefined when the slot is free, out of range or of an unknown type. */
export function readBinding(memory: Uint8Array, slot: number): Binding | undefined {
  if (!Number.isInteger(slot) || slot < 0 || slot >= DISPLAY_SLOTS) return undefined;
  const view = headerView(memory);
  const type = typeOf(view.getInt32(entryOffset('types', slot), true));
  if (type === undefined) return undefined;
  const { xchans, ychans, byteOffset, byteLength } = extentOf(view, slot, type);
  const map = entryOffset('maps', slot);
  const statistics = entryOffset('statistics', slot);
  return {
    slot,
    name: decodeField(textField(memory, 'titles', slot)),
    info: decodeField(textField(memory, 'info', slot)),
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
 * Position and size of a slot's channels. All values are below 2^67: doubles do not overflow and
 * keep the precision that a comparison with a memory size needs.
 */
export function extentOf(view: DataView, slot: number, type: SpectrumType) {
  const dimensions = entryOffset('dimensions', slot);
  const xchans = view.getUint32(dimensions, true);
  const ychans = type.dimensions === 1 ? 1 : view.getUint32(dimensions + 4, true);
  const channelOffset = view.getUint32(entryOffset('offsets', slot), true);
  return {
    xchans,
    ychans,
    byteOffset: DISPLAY_HEADER_BYTES + channelOffset * type.bytesPerChannel,
    byteLength: xchans * ychans * type.bytesPerChannel,
  };
}

/** Offset of a slot's entry in an array of the header. */
export function entryOffset(array: DisplayArray, slot: number): number {
  return ARRAY_OFFSETS[array] + slot * ENTRY_BYTES[array];
}

const TYPES_BY_CODE: readonly (SpectrumType | undefined)[] = [
  undefined,
  ...[1, 2, 3, 4, 5].map((code) => SPECTRUM_TYPES[code as SpectrumTypeCode]),
];

/** Undefined for an unknown code. */
export function typeOf(code: number): SpectrumType | undefined {
  return TYPES_BY_CODE[code];
}

/** The type code of every slot. */
export function typesOf(memory: Uint8Array): Int32Array {
  checkMemory(memory);
  const bytes = memory.subarray(TYPES, MAPS);
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, DISPLAY_SLOTS);
}

/** Throws SOURCE_PROTOCOL for a memory that is shorter than a header. */
export function headerView(memory: Uint8Array): DataView {
  checkMemory(memory);
  return new DataView(memory.buffer, memory.byteOffset, DISPLAY_HEADER_BYTES);
}

/** The bytes of a slot's name or info. */
export function textField(memory: Uint8Array, array: 'titles' | 'info', slot: number): Uint8Array {
  const at = entryOffset(array, slot);
  return memory.subarray(at, at + TEXT_FIELD_BYTES);
}

/** The bytes of the label of the x (0) or y (1) axis. */
export function labelField(memory: Uint8Array, slot: number, axis: 0 | 1): Uint8Array {
  const at = entryOffset('maps', slot) + 16 + axis * TEXT_FIELD_BYTES;
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
