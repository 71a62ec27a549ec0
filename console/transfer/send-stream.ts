/**
 * Writes a stream of bytes to a flow, buffer by buffer, no faster than its consumers read.
 *
 * `mirrorflow send` uses it with standard input or a file. Reads the stream and writes to the flow
 * that it is given.
 */
import type { OutputFlow } from '../../client-lib/index.js';
import type { Packer } from './pieces.js';
import type { Transferred } from './progress.js';

export class FlowSender implements Transferred {
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
   * Resolves when the whole input is in the flow. Rejects with errors of the input or the flow, and
   * when `signal` is aborted.
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
