/**
 * Changes a stated part of the 4 KiB blocks of the used channels, for mirrors that send only what
 * changed.
 */
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import type { RandomBits } from './random.js';

/** Blocks are counted from the start of the memory, header included. */
const BLOCK_BYTES = 4096;

/**
 * Spreads `events` counts, at least one each, over `percent` % of the blocks that lie wholly in the
 * first `usedBytes` of channels. The block in which the checksum begins and the next are left
 * alone.
 */
export function sparseStep(
  memory: Uint8Array,
  usedBytes: number,
  percent: number,
  events: number,
  random: RandomBits,
  checksumOffset: number | undefined,
): void {
  const first = Math.ceil(DISPLAY_HEADER_BYTES / BLOCK_BYTES);
  const blocks = Math.floor((DISPLAY_HEADER_BYTES + usedBytes) / BLOCK_BYTES) - first;
  const chosen = Math.min(blocks, Math.ceil((blocks * percent) / 100));
  if (chosen <= 0) return;
  const eachBlock = Math.max(1, Math.floor(events / chosen));
  const words = BLOCK_BYTES / 4;
  // A random start and an even stride hit different blocks without a list of them.
  const start = random() % blocks;
  const spared = checksumOffset === undefined ? -2 : Math.floor(checksumOffset / BLOCK_BYTES);
  for (let index = 0; index < chosen; index++) {
    const block = first + ((start + Math.floor((index * blocks) / chosen)) % blocks);
    if (block === spared || block === spared + 1) continue;
    const counts = new Uint32Array(memory.buffer, memory.byteOffset + block * BLOCK_BYTES, words);
    for (let event = 0; event < eachBlock; event++) counts[random() % words]!++;
  }
}
