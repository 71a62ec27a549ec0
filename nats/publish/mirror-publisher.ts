/**
 * Publishes a mirror (publications are whole display memories): deltas, one publication whatever
 * the number of receivers, and from time to time a key frame into the stream, for receivers that
 * join. Started by FlowPublisher. Reads through the library, publishes through PublishedFlow.
 */
import type { Client, FlowBuffer, InputFlow } from '../../client-lib/index.js';
import type { Clock } from '../../protocol/base/clock.js';
import { GENERATION_SHIFT } from '../../protocol/flow/flow-file/layout.js';
import type { WanMode } from '../../protocol/nats/flow-description.js';
import { mirrorFrames, type Publication } from './mirror-frames.js';
import { KeySchedule } from './key-schedule.js';
import type { PublishedFlow } from './published-flow.js';
import type { StreamWriter } from './stream-writer.js';

/** Publications that are not stored yet at most: what waits longer is old when it arrives. */
const UNDER_WAY_MAX = 2;

export interface MirrorPublisherOptions {
  readonly client: Client;
  readonly flow: string;
  readonly wan: WanMode;
  readonly published: PublishedFlow;
  /** Keeps the flow open until it is opened here; closed then. */
  readonly opened: InputFlow;
  readonly writer: StreamWriter;
  readonly clock: Clock;
}

/** Publishes until the signal is aborted, or the flow has ended. */
export async function publishMirror(options: MirrorPublisherOptions, signal: AbortSignal): Promise<void> {
  const { client, flow: name, wan } = options;
  const isLossless = wan === 'lossless';
  const input = await client.openInput(name, {
    inline: true,
    delivery: isLossless ? 'lossless' : 'lossy',
    start: 'newest',
  });
  await options.opened.close();
  const publisher = new MirrorPublisher(options);
  input.on('state', () => options.published.describe());
  const close = (): void => {
    publisher.close();
    void input.close();
  };
  signal.addEventListener('abort', close, { once: true });
  try {
    while (!signal.aborted) {
      await publisher.room(signal);
      const buffer = await input.take();
      if (buffer === undefined) return;
      // When several publications are ready, only the newest is sent.
      if (!isLossless && input.ready > 0) continue;
      const publication = publicationOf(buffer);
      if (publication !== undefined) publisher.publish(publication);
    }
  } finally {
    signal.removeEventListener('abort', close);
    publisher.close();
    await input.close();
  }
}

/** Undefined when the buffer was overwritten meanwhile. */
function publicationOf(buffer: FlowBuffer): Publication | undefined {
  const { epoch, sequence, timestampNs, generation, flags } = buffer;
  const memory = Buffer.from(buffer.copy().buffer);
  if (!buffer.stillValid()) return undefined;
  buffer.release();
  const slotFlags = generation * 2 ** GENERATION_SHIFT + flags;
  return { epoch, sequence, timestampNs, slotFlags, memory };
}

class MirrorPublisher {
  readonly #published: PublishedFlow;
  readonly #writer: StreamWriter;
  readonly #clock: Clock;
  readonly #schedule: KeySchedule;
  #last: Publication | undefined;
  #underWay = 0;
  #wake: () => void = () => undefined;
  #cancelCheck: () => void = () => undefined;

  constructor({ published, writer, clock }: MirrorPublisherOptions) {
    this.#published = published;
    this.#writer = writer;
    this.#clock = clock;
    this.#schedule = new KeySchedule(writer.bounds);
  }

  publish(publication: Publication): void {
    const { epoch, sequence } = publication;
    const next = sequence + 1;
    const last = this.#last?.epoch === epoch ? this.#last : undefined;
    this.#last = publication;
    const frames = mirrorFrames(publication, last);
    if (last === undefined) {
      this.#send('key at the start', frames, { epoch, follows: 0, next });
      // The epoch is described with a publication: receivers find both together.
      this.#published.describe();
      this.#keySent(frames);
      return;
    }
    this.#send('live', frames, { epoch, follows: last.sequence + 1, next });
    this.#schedule.addDelta(bytesOf(frames));
    this.#sendKeyIfDue();
  }

  /** Resolves when the next publication may be sent. */
  async room(signal: AbortSignal): Promise<void> {
    await this.#published.room(signal);
    while (this.#underWay >= UNDER_WAY_MAX && !signal.aborted)
      await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  close(): void {
    this.#cancelCheck();
    this.#wake();
  }

  #sendKeyIfDue(): void {
    const last = this.#last;
    if (last === undefined || !this.#schedule.isDue(this.#clock.nowMs(), this.#writer.storedBytes)) return;
    const frames = mirrorFrames(last);
    this.#send('key for joining', frames, { epoch: last.epoch, follows: 0, next: last.sequence + 1 });
    this.#keySent(frames);
  }

  /** A mirror that does not change has a key frame in the stream all the same. */
  #keySent(frames: readonly Buffer[]): void {
    this.#schedule.addKeyFrame(bytesOf(frames), this.#clock.nowMs(), this.#writer.storedBytes);
    this.#cancelCheck();
    const check = (): void => {
      this.#sendKeyIfDue();
      this.#cancelCheck = this.#clock.after(this.#schedule.checkMs, check, true);
    };
    this.#cancelCheck = this.#clock.after(this.#schedule.checkMs, check, true);
  }

  #send(
    kind: Parameters<PublishedFlow['publish']>[0],
    frames: readonly Buffer[],
    group: { readonly epoch: number; readonly follows: number; readonly next: number },
  ): void {
    this.#underWay += 1;
    void this.#published.publish(kind, frames, group).then(() => {
      this.#underWay -= 1;
      this.#wake();
    });
  }
}

function bytesOf(frames: readonly Buffer[]): number {
  return frames.reduce((sum, { length }) => sum + length, 0);
}
