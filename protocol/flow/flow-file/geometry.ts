/**
 * The sizes and slot positions of a flow file, the shared-memory ring of a flow's buffers. Used by
 * the files of this folder, and by duplicators to choose the number of slots. Pure arithmetic,
 * checked against LIMITS before a file is created or mapped.
 */
import { MirrorflowError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { CACHE_LINE_BYTES, HEADER_BYTES, SLOT } from './layout.js';

export interface Geometry {
  readonly slotCount: number;
  /** Largest payload of a slot, bytes. */
  readonly payloadCapacity: number;
  /** Bytes from the start of one slot to the start of the next. */
  readonly slotStride: number;
  readonly fileBytes: number;
}

function roundUp(bytes: number, multiple: number): number {
  return Math.ceil(bytes / multiple) * multiple;
}

/** Bytes of a slot, a multiple of the cache line. */
export function strideOf(payloadCapacity: number): number {
  return roundUp(SLOT.payload + payloadCapacity, CACHE_LINE_BYTES);
}

/**
 * Throws BAD_OPTION for a count or size out of range, and TOO_LARGE with the sizes when the file is
 * too large to be mapped.
 */
export function geometryOf(slotCount: number, payloadCapacity: number): Geometry {
  if (!Number.isInteger(slotCount) || slotCount < LIMITS.slotCountMin || slotCount > LIMITS.slotCountMax) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `a flow file has ${LIMITS.slotCountMin} to ${LIMITS.slotCountMax} buffers, not ${slotCount}`,
      { slotCount },
    );
  }
  if (!Number.isInteger(payloadCapacity) || payloadCapacity < 1) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the size of a buffer is a whole number of bytes, at least 1, not ${payloadCapacity}`,
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
 * The number of slots that fit into `budgetBytes`, at least `min` (even when they do not fit) and
 * at most `max`.
 */
export function slotsForBudget(
  payloadCapacity: number,
  budgetBytes: number,
  min: number,
  max: number,
): number {
  return Math.max(min, Math.min(max, Math.floor((budgetBytes - HEADER_BYTES) / strideOf(payloadCapacity))));
}

/** Offset of the slot of `sequence` in the file: sequence n lives in slot n mod slotCount. */
export function slotOffset(geometry: Geometry, sequence: number): number {
  return HEADER_BYTES + (sequence % geometry.slotCount) * geometry.slotStride;
}
