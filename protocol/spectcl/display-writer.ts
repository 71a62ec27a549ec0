/**
 * Writes the header of a display memory, SpecTcl's shared memory of spectra: defines and frees
 * slots, sets statistics, compares definitions. Used by the simulator, by display-update.ts for
 * images of mirrors, and by tests. Pure.
 */
import {
  ARRAY_OFFSETS,
  DISPLAY_SLOTS,
  ENTRY_BYTES,
  type SpectrumTypeCode,
  entryOffset,
  headerView,
  labelField,
  textField,
} from './display-memory.js';
import { encodeField } from './text.js';

/** The arrays whose entries define a spectrum. */
const BINDING_ARRAYS = ['types', 'dimensions', 'offsets', 'titles', 'info', 'maps'] as const;

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

/**
 * Defines a slot and sets its statistics to 0; its channels stay unchanged. Throws RangeError for a
 * slot out of range.
 */
export function writeBinding(memory: Uint8Array, slot: number, fields: BindingFields): void {
  checkSlot(slot);
  const view = headerView(memory);
  const dimensions = entryOffset('dimensions', slot);
  view.setUint32(dimensions, fields.xchans, true);
  view.setUint32(dimensions + 4, fields.ychans, true);
  view.setUint32(entryOffset('offsets', slot), fields.channelOffset, true);
  encodeField(textField(memory, 'titles', slot), fields.name);
  encodeField(textField(memory, 'info', slot), fields.info ?? '');
  const map = entryOffset('maps', slot);
  view.setFloat32(map, fields.xmin, true);
  view.setFloat32(map + 4, fields.xmax, true);
  view.setFloat32(map + 8, fields.ymin ?? 0, true);
  view.setFloat32(map + 12, fields.ymax ?? 0, true);
  encodeField(labelField(memory, slot, 0), fields.xlabel ?? '');
  encodeField(labelField(memory, slot, 1), fields.ylabel ?? '');
  writeStatistics(memory, slot, [0, 0], [0, 0]);
  // Last, so that no reader of the same memory sees a defined slot without its fields.
  view.setInt32(entryOffset('types', slot), fields.type, true);
}

export function writeStatistics(
  memory: Uint8Array,
  slot: number,
  overflows: readonly [number, number],
  underflows: readonly [number, number],
): void {
  checkSlot(slot);
  const view = headerView(memory);
  const at = entryOffset('statistics', slot);
  view.setUint32(at, overflows[0], true);
  view.setUint32(at + 4, overflows[1], true);
  view.setUint32(at + 8, underflows[0], true);
  view.setUint32(at + 12, underflows[1], true);
}

/** Byte range of the types: a slot of a header that is updated in place is defined by its type. */
export const TYPES_RANGE = [ARRAY_OFFSETS.types, ARRAY_OFFSETS.maps] as const;

/**
 * Whether a slot's definition differs in two memories, apart from statistics. Two free slots are
 * equal.
 */
export function bindingDiffers(a: Uint8Array, b: Uint8Array, slot: number): boolean {
  checkSlot(slot);
  const type = entryOffset('types', slot);
  if (headerView(a).getInt32(type, true) === 0 && headerView(b).getInt32(type, true) === 0) return false;
  return BINDING_ARRAYS.some((array) => {
    const at = entryOffset(array, slot);
    const end = at + ENTRY_BYTES[array];
    return Buffer.compare(a.subarray(at, end), b.subarray(at, end)) !== 0;
  });
}

/** Frees a slot: sets its type to 0 and leaves its other fields, as SpecTcl does. */
export function clearBinding(memory: Uint8Array, slot: number): void {
  checkSlot(slot);
  headerView(memory).setInt32(entryOffset('types', slot), 0, true);
}

function checkSlot(slot: number): void {
  if (Number.isInteger(slot) && slot >= 0 && slot < DISPLAY_SLOTS) return;
  throw new RangeError(`a slot is an integer from 0 to ${DISPLAY_SLOTS - 1}, not ${slot}`);
}
