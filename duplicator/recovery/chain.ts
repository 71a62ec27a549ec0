/**
 * What the sequence words of a flow file's slots say together. Pure; the file is only read.
 *
 * Beginning at the slot of the sequence that would be published next and going once around the
 * ring, a sound file has three stretches:
 *
 *   complete  buffers that were committed and not published any more     word is sequence + 1, one ring ahead
 *   open      slots that their writer was filling when it died           word is 0
 *   old       what was published, oldest first                           word is sequence + 1
 *
 * A sequence that was lost on the way from another host stands there marked as missing, among the
 * complete and the old ones. Anything else cannot have come from a writer that died, whatever it
 * was doing.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import {
  CLEARED_WORD,
  isMissingWord,
  missingWord,
  presentWord,
} from '../../protocol/flow/flow-file/layout.js';

export interface Chain {
  /** Buffers that are whole and stand behind `published`. */
  readonly complete: number;
  /** Slots that were being written. */
  readonly open: number;
  /** Published buffers that can still be read. */
  readonly readable: number;
  /** What does not fit; undefined when all does. */
  readonly problem: string | undefined;
}

/** `openMax`: slots that the writer of this flow can have open or unpublished at the same time. */
export function judgeChain(file: FlowFile, published: number, openMax: number): Chain {
  const { slotCount, payloadCapacity } = file.geometry;
  const found = { complete: 0, open: 0, readable: 0 };
  let stretch: 'complete' | 'open' | 'old' = 'complete';
  const broken = (problem: string): Chain => ({ ...found, problem });
  for (let ahead = published; ahead < published + slotCount; ahead += 1) {
    const word = file.slotWord(ahead);
    const size = file.slotSize(ahead);
    const behind = ahead - slotCount;
    const missing = isMissingWord(word);
    if (word !== CLEARED_WORD && !missing && size > payloadCapacity)
      return broken(
        `the buffer of sequence ${word - 1} claims ${size} bytes, and a slot holds ${payloadCapacity}`,
      );
    if (stretch === 'complete') {
      if (word === presentWord(ahead) || word === missingWord(ahead)) {
        found.complete += 1;
        continue;
      }
      stretch = 'open';
    }
    if (stretch === 'open') {
      if (word === CLEARED_WORD) {
        if (behind >= 0) found.open += 1; // otherwise it was never written, which looks the same
        continue;
      }
      stretch = 'old';
    }
    if (behind >= 0 && word === missingWord(behind)) continue;
    if (behind < 0 || word !== presentWord(behind)) {
      const belongs = behind < 0 ? 'nothing' : `sequence ${behind}`;
      return broken(
        `slot ${ahead % slotCount} holds ${word === CLEARED_WORD ? 'nothing' : `sequence ${word - 1}`} where ${belongs} belongs`,
      );
    }
    found.readable += 1;
  }
  if (found.complete + found.open > openMax)
    return broken(
      `${found.complete + found.open} slots were taken from their readers, and the writer was allowed ${openMax}`,
    );
  return { ...found, problem: undefined };
}
