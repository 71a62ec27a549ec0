/**
 * Damage for tests: writes any value over a named field of a mapped flow file, also values that no
 * owner would store. Used by tests and fuzz targets of damaged files.
 */
import type { FlowFile } from '../../../../protocol/flow/flow-file/flow-file.js';
import { slotOffset } from '../../../../protocol/flow/flow-file/geometry.js';
import { HEADER, SLOT } from '../../../../protocol/flow/flow-file/layout.js';

type HeaderField = keyof typeof HEADER;
type SlotField = keyof typeof SLOT;

/** Header fields that are one word: all before the counters. */
export const HEADER_WORDS = (Object.keys(HEADER) as HeaderField[]).filter(
  (field) => HEADER[field] < HEADER.counters,
);

const FIELDS_OF_64_BITS: ReadonlySet<HeaderField | SlotField> = new Set<HeaderField | SlotField>([
  'magic',
  'createdNs',
  'ownerStartTicks',
  'epoch',
  'published',
  'imageGeneration',
  'imageApplied',
  'stateSinceNs',
  'granted',
  'sourceEpoch',
  'heard',
  'sequence',
  'timestampNs',
]);

export function headerOffset(field: HeaderField): number {
  return HEADER[field];
}

/** From the beginning of a slot. */
export function slotFieldOffset(field: SlotField): number {
  return SLOT[field];
}

/** Fields that are not 64-bit words get `value` as u32. */
export function damageHeader(file: FlowFile, field: HeaderField, value: number): void {
  overwrite(file.bytes, HEADER[field], field, value);
}

/** Overwrites a field of the slot that `sequence` lives in. */
export function damageSlot(file: FlowFile, sequence: number, field: SlotField, value: number): void {
  overwrite(file.bytes, slotOffset(file.geometry, sequence) + SLOT[field], field, value);
}

function overwrite(bytes: Buffer, at: number, field: HeaderField | SlotField, value: number): void {
  if (FIELDS_OF_64_BITS.has(field)) bytes.writeBigUInt64LE(BigInt(value), at);
  else bytes.writeUInt32LE(value, at);
}
