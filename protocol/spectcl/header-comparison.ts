/**
 * Compares the headers of two display memories without reading the free slots at their end: a
 * header has 5.6 MB for 10,000 slots, most of which are free. Called by the gateway for each
 * publication, and by the recorder of mirrors. Pure.
 */
import { ARRAY_OFFSETS, DISPLAY_SLOTS, ENTRY_BYTES, typesOf, type DisplayArray } from './display-memory.js';

const ARRAYS = Object.keys(ARRAY_OFFSETS) as DisplayArray[];

/**
 * Whether both headers define the same spectra: equal types in all slots, and equal entries up to
 * the last defined slot. What free slots behind it hold has no meaning.
 */
export function isSameHeader(one: Buffer, other: Buffer): boolean {
  if (!isEqual(one, other, 'types', DISPLAY_SLOTS)) return false;
  const slots = definedSlots(one);
  return ARRAYS.every((array) => isEqual(one, other, array, slots));
}

function isEqual(one: Buffer, other: Buffer, array: DisplayArray, slots: number): boolean {
  const begin = ARRAY_OFFSETS[array];
  const end = begin + slots * ENTRY_BYTES[array];
  return one.compare(other, begin, end, begin, end) === 0;
}

/** As `isSameHeader`, apart from the statistics, which change with the counts. */
export function hasSameDefinitions(one: Buffer, other: Buffer): boolean {
  if (!isEqual(one, other, 'types', DISPLAY_SLOTS)) return false;
  const slots = definedSlots(one);
  return ARRAYS.every((array) => array === 'statistics' || isEqual(one, other, array, slots));
}

/** Number of slots up to the last defined one. */
function definedSlots(memory: Uint8Array): number {
  return typesOf(memory).findLastIndex((type) => type !== 0) + 1;
}
