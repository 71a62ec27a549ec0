/**
 * A flow that mirrors the display memory of a SpecTcl: its buffers are whole display memories, and
 * an image beside the flow file is always the newest one. The source (SpecTclSource) has the flow
 * made when it has learned the size of the memory; clients can attach after the first update, or at
 * once where the file of a killed predecessor is continued, also while the source is away. Used by
 * the duplicator program (`--direction input --connect`). Writes counters; files and sockets are
 * those of its parts.
 */
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { geometryOf, slotsForBudget } from '../../protocol/flow/flow-file/geometry.js';
import { ImageWriter } from '../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import { inspectFlowFile } from '../../protocol/flow/flow-file/open.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import type { MirrorFlowOptions } from '../options.js';
import { readPredecessorState, type PredecessorState } from '../recovery/obtain-file.js';
import { RemoteServer } from '../remote/remote-server.js';
import { DuplicatedFlow } from '../serving/duplicated-flow.js';
import { HostedFlow, type FlowLayout } from '../serving/hosted-flow.js';
import { MirrorPublisher } from './mirror-publisher.js';
import type { MirrorTarget } from './mirror-session.js';
import { SpecTclSource } from './spectcl-source.js';

/** Fewest slots of a mirror: one to read while one is written. */
const MIRROR_SLOTS_MIN = 2;
/** From three slots on an update is received while the one before is verified. */
const MIRROR_SLOTS_PIPELINED = 3;
const MIRROR_SLOTS_MAX = 64;
/** Slots that are open at the same time: one to receive into, and one that is verified. */
const OPEN_SLOTS_PIPELINED = 2;
/**
 * A killed duplicator ends its connections with FIN, and SpecTcl can lose a thread when another
 * connection arrives within that moment. A predecessor ended before this process started, so the
 * age of this process is the least time since that end, milliseconds.
 */
const SUCCESSOR_AGE_MS = 50;
/** Longest silence of a source that answered before, milliseconds. */
const SILENCE_MS = 5_000;

export class MirrorFlow extends DuplicatedFlow {
  protected readonly server: RemoteServer;
  readonly #options: MirrorFlowOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #source: SpecTclSource;
  /** Clock reading before which the successor of a killed duplicator does not connect. */
  readonly #connectAfterMs: number;
  readonly #closing = new AbortController();
  #publisher: MirrorPublisher | undefined;
  #predecessor: Promise<PredecessorState> = Promise.resolve(undefined);
  /** Called when the file of a predecessor is continued, which has data for clients already. */
  #onContinued: () => void = () => undefined;

  /** `processAgeMs`: how long this process has been running. */
  constructor(options: MirrorFlowOptions, clock: Clock, log: Logger, processAgeMs = performance.now()) {
    super();
    this.#connectAfterMs = clock.nowMs() + Math.max(0, SUCCESSOR_AGE_MS - processAgeMs);
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.server = new RemoteServer(options, clock, log, () => this.served);
    this.#source = new SpecTclSource(
      {
        address: options.source,
        intervalMs: options.updateIntervalMs,
        idleIntervalMs: options.idleIntervalMs,
        fullIntervalMs: options.fullIntervalMs,
        sourceShare: options.sourceSharePercent / 100,
        times: { answerMs: options.startTimeoutMs, silenceMs: SILENCE_MS },
        clock,
        log,
      },
      { make: (channelBytes) => this.#make(channelBytes), continue: () => this.#continue() },
    );
    this.#source.on('published', () => {
      this.hosted?.host.published();
      this.#writeCounters();
    });
    this.#source.on('unchanged', () => this.#writeCounters());
    this.#source.on('bindingsVerified', (asOfMs) => {
      const asOfUs = Number(wallClockNs()) / 1e3 - (clock.nowMs() - asOfMs) * 1e3;
      this.hosted?.file.setCounter(COUNTERS.bindingsAsOfUs.id, Math.floor(asOfUs));
    });
    this.#source.on('state', (state, cause) => {
      this.hosted?.host.setSourceState(state, Number(wallClockNs()));
      this.emit('state', state, cause);
    });
    this.#source.on('outgrown', (channelBytes) => this.emit('outgrown', channelBytes));
  }

  /** Resolves when there is a publication for clients; rejects with the cause. */
  async start(): Promise<void> {
    const { app, flow, flowDirectory } = this.#options;
    const path = flowFilePath(flowDirectory, app, flow);
    // The predecessor's file is examined while the source answers.
    this.#predecessor = readPredecessorState(path, this.#log);
    const continued = new Promise<void>((resolve) => (this.#onContinued = resolve));
    try {
      if (inspectFlowFile(path).kind === 'dead') {
        const wait = new InterruptibleWait(this.#clock, this.#closing.signal);
        await wait.wait(this.#connectAfterMs - this.#clock.nowMs());
      }
      await Promise.all([Promise.race([this.#source.start(), continued]), this.#predecessor]);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get sourceState(): SourceState {
    return this.#source.state;
  }

  get type(): string {
    return this.#options.type;
  }

  override get layout(): FlowLayout & { readonly image: string } {
    return super.layout as FlowLayout & { readonly image: string };
  }

  /** The consumers of a mirror do not hold it back, so none is expected. */
  override expectConsumersAtMost(): void {}

  async close(): Promise<void> {
    this.#closing.abort();
    const stopped = this.#source.stop();
    await this.release();
    await stopped;
    await this.release(); // the flow may have been made while the source stopped
  }

  async #make(channelBytes: number): Promise<MirrorTarget> {
    const { app, flow, type, ringBytes, sourceText } = this.#options;
    const payloadCapacity = DISPLAY_HEADER_BYTES + channelBytes;
    const slotCount = mirrorSlots(payloadCapacity, ringBytes);
    const pipelined = slotCount >= MIRROR_SLOTS_PIPELINED;
    const hosted = await HostedFlow.create(
      this.#options,
      {
        identity: { application: app, flow, type, properties: { channelBytes, source: sourceText } },
        slotCount,
        payloadCapacity,
        flags: FLOW_FLAGS.mirror,
        localProvider: false,
        hasImage: true,
        predecessor: await this.#predecessor,
        host: { openSlots: pipelined ? OPEN_SLOTS_PIPELINED : 1, expected: 0 },
      },
      this.#clock,
      this.#log,
    );
    const { file, host, takenOver } = hosted;
    const publisher = new MirrorPublisher(file, new ImageWriter(file, imageOf(hosted)), takenOver);
    this.#publisher = publisher;
    this.adopt(hosted, publisher.history);
    if (file.published > 0) {
      host.setSourceState('stale', Number(wallClockNs())); // until the first update
      this.#onContinued();
    }
    return {
      publisher,
      channelCapacity: channelBytes,
      pipelined,
      hasCredit: (sequence) => host.hasCredit(sequence),
      credit: (sequence) => host.credit(sequence),
    };
  }

  /** Never rejects: what the source's own failure is, is the cause to be reported. */
  async #continue(): Promise<MirrorTarget | undefined> {
    const predecessor = await this.#predecessor;
    const flow = typeof predecessor === 'object' ? predecessor.flow : undefined;
    if (flow === undefined || flow.published === 0) return undefined;
    try {
      return await this.#make(flow.bufferSize - DISPLAY_HEADER_BYTES);
    } catch (error) {
      this.#log.warn('the publications of the predecessor cannot be continued', { error });
      return undefined;
    }
  }

  #writeCounters(): void {
    const publisher = this.#publisher;
    if (this.hosted === undefined || publisher === undefined) return;
    const { file, host } = this.hosted;
    const { statistics } = this.#source;
    file.setCounter(COUNTERS.published.id, publisher.published);
    file.setCounter(COUNTERS.publishedBytes.id, publisher.publishedBytes);
    file.setCounter(COUNTERS.updates.id, statistics.updates);
    file.setCounter(COUNTERS.unchanged.id, statistics.unchanged);
    file.setCounter(COUNTERS.receivedBytes.id, statistics.receivedBytes);
    file.setCounter(COUNTERS.connections.id, statistics.connections);
    file.setCounter(COUNTERS.updateNs.id, Math.round(statistics.updateMs * 1e6));
    file.setCounter(COUNTERS.headersCopied.id, publisher.headersCopied);
    file.setCounter(COUNTERS.imageBytes.id, publisher.imageBytesWritten);
    file.setCounter(COUNTERS.signals.id, host.signals);
    file.setCounter(COUNTERS.stalls.id, host.stalls);
  }
}

function imageOf({ image }: HostedFlow): Buffer {
  if (image === undefined) throw new Error('a mirror was made without its image');
  return image.bytes;
}

/**
 * As many slots as the memory budget allows: three where they can be mapped at all, two at least.
 * Throws TOO_LARGE with the numbers.
 */
function mirrorSlots(payloadCapacity: number, ringBytes: number): number {
  const mappable = slotsForBudget(payloadCapacity, LIMITS.mappedBytesMax, 0, MIRROR_SLOTS_MAX);
  const affordable = slotsForBudget(payloadCapacity, ringBytes, MIRROR_SLOTS_PIPELINED, MIRROR_SLOTS_MAX);
  const slotCount = Math.max(MIRROR_SLOTS_MIN, Math.min(affordable, mappable));
  try {
    return geometryOf(slotCount, payloadCapacity).slotCount;
  } catch (error) {
    const channelBytes = payloadCapacity - DISPLAY_HEADER_BYTES;
    const limit = Math.floor(LIMITS.mappedBytesMax / MIRROR_SLOTS_MIN) - DISPLAY_HEADER_BYTES;
    throw new MirrorflowError(
      'TOO_LARGE',
      `the source has ${channelBytes} bytes of channel storage; a mirror can hold about ${limit}, ` +
        `since ${MIRROR_SLOTS_MIN} copies with their headers must fit one mapping of ${LIMITS.mappedBytesMax} bytes`,
      { channelBytes, limitBytes: LIMITS.mappedBytesMax },
      error,
    );
  }
}
