/**
 * Encodes publications of a mirror (whole display memories) as the wire frames of duplicators: key
 * frames with all blocks, and deltas with the blocks that changed. Called by MirrorPublisher. Pure.
 */
import { IMAGE_BLOCK_BYTES } from '../../protocol/flow/flow-file/image.js';
import { BLOCKS_PER_FRAME, encodeBlocks } from '../../protocol/flow/wire/blocks.js';
import { FRAME_BYTES, FrameKind, encodeHeader } from '../../protocol/flow/wire/frame.js';

/** A publication in the memory of this process. */
export interface Publication {
  readonly epoch: number;
  readonly sequence: number;
  readonly timestampNs: number;
  /** Flags of its slot, the generation among them. */
  readonly slotFlags: number;
  readonly memory: Buffer;
}

/** A delta to `base`; without it a key frame. The last frame completes the publication. */
export function mirrorFrames(publication: Publication, base?: Publication): Buffer[] {
  const { sequence, timestampNs, slotFlags, memory } = publication;
  const blocks = changedBlocks(memory, base?.memory);
  const frames: Buffer[] = [];
  const baseBytes = base?.memory.length ?? 0;
  for (let at = 0; at < blocks.length;) {
    const some = blocks.slice(at, at + BLOCKS_PER_FRAME);
    // Blocks beyond the end of the base cannot be encoded as its difference.
    const inBase = some.filter((block) => endOf(block, memory.length) <= baseBytes);
    const together = inBase.length > 0 ? inBase : some;
    const isDifference = base !== undefined && inBase.length > 0;
    const { payload, ranges, bits } = encodeBlocks(
      memory,
      memory.length,
      together,
      isDifference ? base.memory : undefined,
    );
    frames.push(
      frame({ kind: FrameKind.BLOCKS, sequence, value: memory.length, detail: ranges, bits }, payload),
    );
    at += together.length;
  }
  const size = Buffer.allocUnsafe(4);
  size.writeUInt32LE(memory.length);
  const end = { kind: FrameKind.PUBLICATION, sequence, value: timestampNs, detail: slotFlags, bits: 0 };
  frames.push(frame(end, size));
  return frames;
}

function frame(
  header: {
    readonly kind: FrameKind;
    readonly sequence: number;
    readonly value: number;
    readonly detail: number;
    readonly bits: number;
  },
  payload: Buffer,
): Buffer {
  const bytes = Buffer.allocUnsafeSlow(FRAME_BYTES + payload.length);
  encodeHeader(bytes, 0, { ...header, length: payload.length, crc: 0 });
  payload.copy(bytes, FRAME_BYTES);
  return bytes;
}

function changedBlocks(memory: Buffer, base: Buffer | undefined): number[] {
  const blocks: number[] = [];
  for (let start = 0; start < memory.length; start += IMAGE_BLOCK_BYTES) {
    const block = start / IMAGE_BLOCK_BYTES;
    const end = endOf(block, memory.length);
    const isSame =
      base !== undefined && end <= base.length && memory.compare(base, start, end, start, end) === 0;
    if (!isSame) blocks.push(block);
  }
  return blocks;
}

function endOf(block: number, size: number): number {
  return Math.min((block + 1) * IMAGE_BLOCK_BYTES, size);
}
