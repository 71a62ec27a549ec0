/**
 * The sizes of a flow file: pure arithmetic, checked against the limits before anything is created.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { CACHE_LINE_BYTES, HEADER_BYTES, SLOT } from './layout.js';

export interface Geometry {
  readonly slotCount: number;
  /** Bytes a slot's payload can hold. */
  readonly payloadCapacity: number;
  /** Bytes from one slot to the next. */
  readonly slotStride: number;
  readonly fileBytes: number;
}

function roundUp(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}

export function strideOf(payloadCapacity: number): number {
  return roundUp(SLOT.payload + payloadCapacity, CACHE_LINE_BYTES);
}

/**
 * Throws BAD_OPTION for counts and sizes out of range, and TOO_LARGE with the numbers when the file
 * could not be mapped.
 */
export function geometryOf(slotCount: number, payloadCapacity: number): Geometry {
  if (!Number.isInteger(slotCount) || slotCount < LIMITS.slotCountMin || slotCount > LIMITS.slotCountMax) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a flow file needs ${LIMITS.slotCountMin} to ${LIMITS.slotCountMax} buffers, not ${slotCount}`,
      { slotCount },
    );
  }
  if (!Number.isInteger(payloadCapacity) || payloadCapacity < 1) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a buffer's size is a whole number of bytes from 1, not ${payloadCapacity}`,
      {
        payloadCapacity,
      },
    );
  }
  const slotStride = strideOf(payloadCapacity);
  const fileBytes = HEADER_BYTES + slotCount * slotStride;
  if (fileBytes > LIMITS.mappedBytes) {
    throw new MirrorflowError(
      'TOO_LARGE',
      `${slotCount} buffers of ${payloadCapacity} bytes need a flow file of ${fileBytes} bytes; ` +
        `at most ${LIMITS.mappedBytes} bytes can be mapped (sizes of mappings are signed 32-bit). Use fewer or smaller buffers`,
      { slotCount, payloadCapacity, fileBytes, limitBytes: LIMITS.mappedBytes },
    );
  }
  return { slotCount, payloadCapacity, slotStride, fileBytes };
}

/**
 * As many slots as a memory budget allows, within [min, max]; `min` also when the budget is too
 * small for them.
 */
export function slotsForBudget(
  payloadCapacity: number,
  budgetBytes: number,
  min: number,
  max: number,
): number {
  return Math.max(min, Math.min(max, Math.floor((budgetBytes - HEADER_BYTES) / strideOf(payloadCapacity))));
}

/** The sequence's slot: sequence n lives in slot n mod slotCount. */
export function slotOffset(geometry: Geometry, sequence: number): number {
  return HEADER_BYTES + (sequence % geometry.slotCount) * geometry.slotStride;
}
