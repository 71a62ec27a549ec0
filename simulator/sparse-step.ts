/**
 * The simulator's option `--sparse`: changes a given percentage of the 4 KiB blocks of the used
 * channels in each step, to test and measure mirrors that send changed blocks only. Used by
 * simulator.ts. Pure.
 */
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import type { RandomBits } from './random.js';

/** Blocks are counted from the start of the memory, including the header. */
const BLOCK_BYTES = 4096;

/**
 * Spreads `events` counts, at least one per block, over `percent` % of the blocks that lie
 * completely in the first `usedBytes` of channels. The block in which the checksum begins and the
 * next block stay unchanged.
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
  const changedBlocks = Math.min(blocks, Math.ceil((blocks * percent) / 100));
  if (changedBlocks <= 0) return;
  const eventsPerBlock = Math.max(1, Math.floor(events / changedBlocks));
  const channelsPerBlock = BLOCK_BYTES / 4;
  // From a random start, evenly spread: all different without a list of them.
  const start = random() % blocks;
  /** -2 without a checksum: no block is that one or the next. */
  const checksumBlock = checksumOffset === undefined ? -2 : Math.floor(checksumOffset / BLOCK_BYTES);
  for (let index = 0; index < changedBlocks; index++) {
    const block = first + ((start + Math.floor((index * blocks) / changedBlocks)) % blocks);
    if (block === checksumBlock || block === checksumBlock + 1) continue;
    const counts = new Uint32Array(memory.buffer, memory.byteOffset + block * BLOCK_BYTES, channelsPerBlock);
    for (let event = 0; event < eventsPerBlock; event++) counts[random() % channelsPerBlock]!++;
  }
}
