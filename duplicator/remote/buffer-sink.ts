/**
 * Fills a flow file with the buffers that a duplicator of another host sends, under the sequences
 * that they have there. Payloads are received straight into their slots. Lost sequences are counted
 * and marked in the ring, so that consumers miss exactly these. Driven by UpstreamReceiver; writes
 * the mapped flow file.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { RingWriter } from '../../protocol/flow/flow-file/ring-writer.js';
import { FrameKind, type FrameHeader } from '../../protocol/flow/wire/frame.js';
import { DIRECT_BYTES } from '../../protocol/flow/wire/frame-reader.js';
import type { FlowHost } from '../serving/flow-host.js';
import { receiveControlFrame } from './control-frames.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import { GapCrossing } from './gap-crossing.js';

export class BufferSink implements FlowSink {
  readonly #file: FlowFile;
  readonly #ring: RingWriter;
  readonly #host: FlowHost;
  readonly #hooks: FlowSinkHooks;
  readonly #crossing: GapCrossing;
  readonly acknowledgeEvery: number;
  /** Payload bytes of the last buffer, which are expected of the next one too. */
  #lastBytes = 0;

  /**
   * `sourceBuffers`: buffers of the sender's ring; when it is full the sender waits for
   * acknowledgements, so one is due for each quarter of it.
   */
  constructor(file: FlowFile, host: FlowHost, sourceBuffers: number, hooks: FlowSinkHooks) {
    this.#file = file;
    this.#ring = new RingWriter(file);
    this.#host = host;
    this.#hooks = hooks;
    this.#crossing = new GapCrossing(file, this.#ring, host);
    this.acknowledgeEvery = Math.max(1, Math.floor(sourceBuffers / 4));
  }

  get next(): number {
    return this.#ring.next;
  }

  get gaps(): number {
    return this.#crossing.gaps;
  }

  get missing(): number {
    return this.#crossing.missing;
  }

  get unseen(): number {
    return this.#ring.next - this.#ring.published;
  }

  get large(): boolean {
    return this.#lastBytes >= DIRECT_BYTES;
  }

  begin(): void {
    // A buffer that arrived in part is not committed, and its slot is written again.
  }

  flush(): number {
    const before = this.#ring.published;
    const published = this.#ring.publish();
    if (published !== before) this.#host.published();
    return published;
  }

  room(): Promise<void> {
    return this.#crossing.room();
  }

  limitOf(kind: FrameKind): number {
    return kind === FrameKind.BUFFER ? this.#file.geometry.payloadCapacity : 0;
  }

  expects({ kind, sequence }: Readonly<FrameHeader>): boolean {
    return kind === FrameKind.BUFFER && sequence === this.#ring.next;
  }

  reserveNext(): Buffer | undefined {
    return this.#crossing.mayWrite(this.#ring.next) ? this.#ring.beginFramed(this.#lastBytes) : undefined;
  }

  admit({ kind, sequence }: Readonly<FrameHeader>): boolean | string {
    if (kind !== FrameKind.BUFFER) return true;
    const { next } = this.#ring;
    return sequence < next
      ? `buffer ${sequence} arrived where ${next} was expected`
      : this.#crossing.advanceTo(sequence);
  }

  place(): Buffer {
    return this.#ring.begin();
  }

  frame(header: Readonly<FrameHeader>): string | undefined {
    if (header.kind !== FrameKind.BUFFER) {
      this.flush();
      return receiveControlFrame(header, this.#hooks);
    }
    this.#ring.commit(header.length, header.value, header.detail);
    this.#lastBytes = header.length;
    return undefined;
  }
}
