/**
 * Judges the sequence words of a flow file's slots together: whether a writer that died can have
 * left them so. Called by checks.ts. Pure: reads the file, writes nothing.
 *
 * A flow file is a ring of slots; each buffer has a sequence, counted from 0, and lives in the slot
 * `sequence % slotCount`. From the slot of the next sequence to publish once around the ring, a
 * sound file has three stretches:
 *
 *   complete  buffers that were committed but not published yet            word is sequence + 1, one ring ahead
 *   open      slots that the writer was filling when it died               word is 0
 *   old       published buffers, oldest first                              word is sequence + 1
 *
 * A sequence that was lost between hosts is marked as missing, among the complete and the old ones.
 * Anything else is damage.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import {
  CLEARED_WORD,
  isMissingWord,
  missingWord,
  presentWord,
} from '../../protocol/flow/flow-file/layout.js';

export interface Chain {
  /** Whole buffers behind the published ones. */
  readonly complete: number;
  /** Slots that were being written. */
  readonly open: number;
  /** Published buffers that can still be read. */
  readonly readable: number;
  /** The first damage; undefined when there is none. */
  readonly problem: string | undefined;
}

/** `openMax`: slots that this flow's writer can have open or unpublished at the same time. */
export function judgeChain(file: FlowFile, published: number, openMax: number): Chain {
  const { slotCount, payloadCapacity } = file.geometry;
  const counts = { complete: 0, open: 0, readable: 0 };
  let stretch: 'complete' | 'open' | 'old' = 'complete';
  const damaged = (problem: string): Chain => ({ ...counts, problem });
  for (let ahead = published; ahead < published + slotCount; ahead += 1) {
    const word = file.slotWord(ahead);
    const size = file.slotSize(ahead);
    const behind = ahead - slotCount;
    if (word !== CLEARED_WORD && !isMissingWord(word) && size > payloadCapacity)
      return damaged(
        `the buffer of sequence ${word - 1} claims ${size} bytes; a slot holds ${payloadCapacity}`,
      );
    if (stretch === 'complete') {
      if (word === presentWord(ahead) || word === missingWord(ahead)) {
        counts.complete += 1;
        continue;
      }
      stretch = 'open';
    }
    if (stretch === 'open') {
      if (word === CLEARED_WORD) {
        if (behind >= 0) counts.open += 1; // a slot that was never written has the same word
        continue;
      }
      stretch = 'old';
    }
    if (behind >= 0 && word === missingWord(behind)) continue;
    if (behind < 0 || word !== presentWord(behind)) {
      const expected = behind < 0 ? 'nothing' : `sequence ${behind}`;
      const actual = word === CLEARED_WORD ? 'nothing' : `sequence ${word - 1}`;
      return damaged(`slot ${ahead % slotCount} holds ${actual}; expected ${expected}`);
    }
    counts.readable += 1;
  }
  const unpublished = counts.complete + counts.open;
  if (unpublished > openMax)
    return damaged(`${unpublished} slots were open; the writer can have had ${openMax}`);
  return { ...counts, problem: undefined };
}
