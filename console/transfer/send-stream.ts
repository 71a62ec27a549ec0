/** Writes a stream into a flow, buffer by buffer, no faster than its consumers allow. */
import type { OutputFlow } from '../../client-lib/index.js';
import type { Packer } from './pieces.js';
import type { Transferred } from './progress.js';

export class Sending implements Transferred {
  readonly #output: OutputFlow;
  buffers = 0;
  bytes = 0;

  constructor(output: OutputFlow) {
    this.#output = output;
  }

  get lost(): number {
    return this.#output.lost;
  }

  /**
   * Resolves when all of the input is in the flow. Rejects with what reading and writing throw, and
   * when aborted.
   */
  async run(input: AsyncIterable<Uint8Array>, packer: Packer, signal: AbortSignal): Promise<void> {
    for await (const chunk of input) await this.#write(packer.push(chunk), signal);
    await this.#write(packer.end(), signal);
  }

  async #write(pieces: Iterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    for (const piece of pieces) {
      await this.#output.write(piece, { signal });
      this.buffers += 1;
      this.bytes += piece.length;
    }
  }
}
