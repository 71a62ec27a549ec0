/**
 * The ring in the copy of a local flow's file that another program has removed. The provider may
 * have written to the file while it was copied: it is stopped, or has not noticed yet that its
 * duplicator leaves. Called by HostedFlow for OwnedFiles. Reads the file and writes the copy, by
 * their descriptors.
 *
 * The copy ends with what was published when its copying began: the slots behind it, as far as the
 * provider may have touched them, are cleared. No lossless consumer needs what they held before,
 * and the provider writes their buffers again when it reattaches.
 */
import { readSync, writeSync } from 'node:fs';
import { slotOffset, type Geometry } from './geometry.js';
import { HEADER, SLOT } from './layout.js';

const WORD_BYTES = 8;

/** `file`, `copy`: descriptors; the copy is complete. Throws the errors of reading and writing. */
export function clearUnpublished(file: number, copy: number, geometry: Geometry): void {
  const published = readWord(copy, HEADER.published);
  // What is claimed beyond the credit was not touched: it may be held for a consumer.
  const touched = Math.min(readWord(file, HEADER.claimed), readWord(file, HEADER.granted));
  const end = Math.min(touched, published + geometry.slotCount);
  for (let sequence = published; sequence < end; sequence += 1)
    writeWord(copy, slotOffset(geometry, sequence) + SLOT.sequence, 0);
  writeWord(copy, HEADER.claimed, Math.max(end, readWord(copy, HEADER.claimed)));
}

function readWord(descriptor: number, offset: number): number {
  const word = Buffer.alloc(WORD_BYTES);
  readSync(descriptor, word, 0, WORD_BYTES, offset);
  return Number(word.readBigUInt64LE());
}

function writeWord(descriptor: number, offset: number, value: number): void {
  const word = Buffer.alloc(WORD_BYTES);
  word.writeBigUInt64LE(BigInt(value));
  writeSync(descriptor, word, 0, WORD_BYTES, offset);
}
