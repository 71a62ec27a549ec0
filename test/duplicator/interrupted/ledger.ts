/**
 * What was published on a flow, by epoch and sequence, as seen in the file right after each
 * publication. Every buffer that a consumer reads is checked against it. Used by world.ts. Reads
 * flow files in memory.
 */
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';

const WORD_BYTES = 4;

/** Fills a payload with one number, one word at a time; `between` is called before each word. */
export function fill(payload: Buffer, content: number, between: () => void): void {
  for (let at = 0; at + WORD_BYTES <= payload.length; at += WORD_BYTES) {
    between();
    payload.writeUInt32LE(content, at);
  }
}

/** The number that fills a payload; undefined when it is of two buffers. */
export function contentOf(payload: Uint8Array): number | undefined {
  const bytes = Buffer.from(payload);
  const content = bytes.readUInt32LE(0);
  for (let at = 0; at + WORD_BYTES <= bytes.length; at += WORD_BYTES)
    if (bytes.readUInt32LE(at) !== content) return undefined;
  return content;
}

export class Ledger {
  /** By epoch: the content of each published sequence. */
  readonly #contents = new Map<number, number[]>();

  /** Records what has been published since the last call; throws for a torn buffer. */
  record(file: FlowFile): void {
    const contents = this.#of(file.epoch);
    for (let sequence = contents.length; sequence < file.published; sequence += 1) {
      const content = contentOf(file.payloadOf(sequence).subarray(0, file.slotSize(sequence)));
      if (!file.holds(sequence) || content === undefined)
        throw new Error(`sequence ${sequence} was published without its buffer`);
      contents.push(content);
    }
  }

  /** How many buffers were published in an epoch. */
  published(epoch: number): number {
    return this.#of(epoch).length;
  }

  /** Throws unless this is the buffer that was published under the sequence. */
  check(epoch: number, sequence: number, payload: Uint8Array): void {
    const expected = this.#of(epoch)[sequence];
    const found = contentOf(payload);
    if (found === undefined || found !== expected)
      throw new Error(
        `sequence ${sequence} of epoch ${epoch} is ${String(found)}, published was ${String(expected)}`,
      );
  }

  #of(epoch: number): number[] {
    const known = this.#contents.get(epoch) ?? [];
    this.#contents.set(epoch, known);
    return known;
  }
}
