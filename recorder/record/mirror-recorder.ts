/**
 * Records the publications of a mirror (whole display memories): key frames, and deltas in between.
 * Started by `record`; reads the mirror's flow as a lossy consumer, so that it never holds the
 * mirror back, and records the newest publication whenever one is due.
 */
import { SPECTRA_FLOW, type Client, type FlowBuffer, type InputFlow } from '../../client-lib/index.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { hasSameDefinitions } from '../../protocol/spectcl/header-comparison.js';
import type { RecordedFlow } from '../flow-channel.js';
import { blockBytesOf, encodePublication, type Density } from '../mirror/publication-codec.js';
import { FlowChannels } from './channels.js';
import { identityOf, type FlowCounts } from './flow-recorder.js';
import { sourceWait } from './source-wait.js';
import { KeyFrames } from './key-frames.js';
import { pauseUnlessAborted } from './pause.js';
import type { Series } from './series.js';

export interface MirrorRecorderOptions {
  readonly client: Client;
  /** Default: the mirror of the application's SpecTcl. */
  readonly flow?: string;
  readonly series: Series;
  /** From one recorded publication to the next. 0: every one. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly note: (text: string) => void;
  /** Called when spectra were defined, removed or moved, and when another file has begun. */
  readonly onDefinitions: () => void;
}

/** Publications that are recorded less often are deflated well, which takes three times as long. */
const DENSE_EVERY_MS = 2_000;
const RETRY_MS = 2_000;

interface Publication {
  readonly sequence: number;
  readonly epoch: number;
  readonly memory: Buffer;
}

export class MirrorRecorder {
  readonly counts: FlowCounts;
  readonly #options: MirrorRecorderOptions;
  readonly #density: Density;
  #last: Publication | undefined;
  #flow: InputFlow | undefined;
  /** Why the mirror cannot be opened. */
  #cause = 'it is being opened';
  readonly #keyFrames = new KeyFrames();

  constructor(options: MirrorRecorderOptions) {
    this.#options = options;
    this.#density = options.everyMs >= DENSE_EVERY_MS ? 'dense' : 'fast';
    this.counts = { flow: options.flow ?? SPECTRA_FLOW, buffers: 0, bytes: 0, lost: 0 };
  }

  /** What it waits for; undefined while its source is live. */
  get waiting(): string | undefined {
    return sourceWait(this.counts.flow, this.#flow, this.#cause);
  }

  /** Records until the signal is aborted. Waits for a source that is unreachable. */
  async run(signal: AbortSignal): Promise<void> {
    let noted = false;
    while (!signal.aborted) {
      let opened: { readonly flow: InputFlow; readonly identity: RecordedFlow };
      try {
        opened = await this.#open();
      } catch (error) {
        this.#cause = describeError(error);
        if (!noted) this.#options.note(`waiting for the mirror: ${this.#cause}`);
        noted = true;
        await pauseUnlessAborted(RETRY_MS, signal);
        continue;
      }
      const { flow, identity } = opened;
      noted = false;
      this.#flow = flow;
      this.#options.note(`attached to the mirror ${this.counts.flow}`);
      const close = (): void => void flow.close();
      signal.addEventListener('abort', close, { once: true });
      try {
        await this.#follow(flow, identity, signal);
      } finally {
        signal.removeEventListener('abort', close);
        this.#flow = undefined;
        this.#cause = 'its mirror has ended';
        await flow.close();
      }
    }
  }

  async #open() {
    const { client } = this.#options;
    const { flow: name } = this.counts;
    const flow = await client.openInput(name, { inline: true, delivery: 'lossy', start: 'newest' });
    const info = (await client.flows()).find((one) => one.flow === name);
    if (info?.file !== undefined) return { flow, identity: identityOf(info.file) };
    await flow.close();
    throw new Error(`the flow ${name} has no file yet`);
  }

  async #follow(flow: InputFlow, identity: RecordedFlow, signal: AbortSignal): Promise<void> {
    const { clock, everyMs, series } = this.#options;
    const channels = new FlowChannels(identity, series);
    while (!signal.aborted) {
      const buffer = await flow.take();
      if (buffer === undefined) return;
      // When several publications are ready, only the newest is recorded.
      if (flow.ready > 0 && everyMs > 0) continue;
      const beganMs = clock.nowMs();
      const memory = Buffer.from(buffer.copy().buffer);
      if (!buffer.stillValid()) continue;
      await this.#record(buffer, memory, channels);
      await series.rotateIfDue();
      const leftMs = everyMs - (clock.nowMs() - beganMs);
      if (leftMs > 0) await pauseUnlessAborted(leftMs, signal);
    }
  }

  async #record(buffer: FlowBuffer, memory: Buffer, channels: FlowChannels): Promise<void> {
    const { series, clock, onDefinitions } = this.#options;
    const { sequence, epoch, timestampNs } = buffer;
    const last = this.#last;
    const isRedefined = last === undefined || !areSameSpectra(last.memory, memory);
    const isKeyDue =
      isRedefined || last.epoch !== epoch || this.#keyFrames.isDue(clock.nowMs(), memory.length);
    const isNewFile = channels.number !== series.number;
    for (;;) {
      // Another file may have begun while the message waited for room; it begins with a key frame.
      const isKey = isKeyDue || channels.number !== series.number;
      const message = encodePublication(sequence, memory, isKey ? undefined : last, this.#density);
      const { file } = series;
      const channel = channels.channel(isKey ? 'key' : 'delta', buffer);
      if (file.append(channel, sequence, timestampNs, message)) {
        if (isKey) this.#keyFrames.keyRecorded(clock.nowMs());
        else this.#keyFrames.deltaRecorded(blockBytesOf(message));
        this.#last = { sequence, epoch, memory };
        this.counts.buffers += 1;
        this.counts.bytes += message.length;
        break;
      }
      await file.ready();
    }
    if (isRedefined || isNewFile) onDefinitions();
  }
}

function areSameSpectra(one: Buffer, other: Buffer): boolean {
  if (one.length !== other.length) return false;
  return one.length < DISPLAY_HEADER_BYTES || hasSameDefinitions(one, other);
}
