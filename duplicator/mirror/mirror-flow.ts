/**
 * A mirror flow as one thing: the SpecTcl source, the flow file with its image that it fills, and
 * the host that serves them. The flow is made when the source has told the size of its memory, and
 * there for clients with its first update, or at once where it goes on in the file of a killed
 * predecessor; closing removes the files.
 */
import { rmSync } from 'node:fs';
import { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/base/address.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { inodeOf, releasePath } from '../../protocol/base/files/claim.js';
import { flowFilePath, imageFilePath } from '../../protocol/base/paths.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { geometryOf, slotsForBudget } from '../../protocol/flow/flow-file/geometry.js';
import { ImageWriter, createImage } from '../../protocol/flow/flow-file/image.js';
import { FLOW_FLAGS, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { streamLink } from '../../protocol/flow/signal-link/stream-link.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import type { DuplicatedFlow, DuplicatedFlowEvents, FlowPlaces } from '../serving/duplicated-flow.js';
import { FlowHost, type LinkStanding, type RemoteStanding } from '../serving/flow-host.js';
import { prepareFlowPaths } from '../serving/flow-paths.js';
import { listenOnLink } from '../serving/listen.js';
import type { MirrorFlowOptions } from '../options.js';
import { mapImage } from '../recovery/image-check.js';
import { Serving, type ServedFlow } from '../remote/serving.js';
import { readPredecessorState, obtainFlowFile, type PredecessorState } from '../recovery/obtain-file.js';
import { MirrorPublisher } from './mirror-publisher.js';
import { SpecTclSource, type MirrorSink } from './spectcl-source.js';

/**
 * Fewest slots of a mirror: one to read while one is written. From three on, updates are received
 * and verified at the same time.
 */
const MIRROR_SLOTS_MIN = 2;
const MIRROR_SLOTS_WANTED = 3;
const MIRROR_SLOTS_MAX = 64;
/**
 * Slots the writer has open at the same time at most: one to receive into, and one whose header
 * waits for its verdict.
 */
const OPEN_SLOTS_PIPELINED = 2;
/** Longest silence of a source that answered before, milliseconds. */
const SILENCE_MS = 5_000;

/** What a mirror flow is made of, once the size is known. */
interface Parts {
  readonly file: FlowFile;
  readonly inode: bigint | undefined;
  readonly imagePath: string;
  readonly host: FlowHost;
  readonly publisher: MirrorPublisher;
  readonly link: string;
}

export class MirrorFlow extends EventEmitter<DuplicatedFlowEvents> implements DuplicatedFlow {
  readonly #options: MirrorFlowOptions;
  readonly #log: Logger;
  readonly #source: SpecTclSource;
  readonly #serving: Serving;
  #parts: Parts | undefined;
  #inherited: Promise<PredecessorState> = Promise.resolve(undefined);
  /**
   * Told when the flow goes on in the file of a predecessor, which has data for clients already.
   */
  #goesOn: () => void = () => undefined;

  constructor(options: MirrorFlowOptions, clock: Clock, log: Logger) {
    super();
    this.#options = options;
    this.#log = log;
    this.#serving = new Serving(options.security, clock, log, () => this.#served);
    this.#source = new SpecTclSource(
      {
        address: options.source,
        intervalMs: options.updateIntervalMs,
        idleIntervalMs: options.idleIntervalMs,
        fullIntervalMs: options.fullIntervalMs,
        times: { answerMs: options.startTimeoutMs, silenceMs: SILENCE_MS },
        clock,
        log,
      },
      (channelBytes) => this.#make(channelBytes),
    );
    this.#source.on('published', () => {
      this.#parts?.host.published();
      this.#showCounters();
    });
    this.#source.on('judged', () => this.#showCounters());
    this.#source.on('state', (state, cause) => {
      this.#parts?.host.setSourceState(state, Number(wallClockNs()));
      this.emit('state', state, cause);
    });
    this.#source.on('outgrown', (channelBytes) => this.emit('outgrown', channelBytes));
  }

  /**
   * Resolves when there is a publication for clients; rejects with the cause, and leaves nothing
   * behind then.
   */
  async start(): Promise<void> {
    const { app, flow, flowDirectory } = this.#options;
    // While the source is waited for.
    this.#inherited = readPredecessorState(flowFilePath(flowDirectory, app, flow), this.#log);
    const goesOn = new Promise<void>((resolve) => (this.#goesOn = resolve));
    try {
      await Promise.all([Promise.race([this.#source.start(), goesOn]), this.#inherited]);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get #served(): ServedFlow | undefined {
    const parts = this.#parts;
    return parts === undefined ? undefined : { ...parts, history: parts.publisher.history };
  }

  get sourceState(): SourceState {
    return this.#source.state;
  }

  get clientCount(): number {
    return this.#parts?.host.clientCount ?? 0;
  }

  get links(): LinkStanding[] {
    return this.#parts?.host.links ?? [];
  }

  get remotes(): RemoteStanding[] {
    return this.#parts?.host.remotes.standings ?? [];
  }

  /** A mirror waits for nobody. */
  expectAtMost(): void {}

  get published(): number {
    return this.#parts?.publisher.published ?? 0;
  }

  /** Where the flow is, after start. */
  get places(): FlowPlaces & { readonly image: string } {
    const parts = this.#parts;
    if (parts === undefined) throw new Error('the flow is not there yet');
    const { payloadCapacity, slotCount } = parts.file.geometry;
    return {
      file: parts.file.path,
      link: parts.link,
      image: parts.imagePath,
      bufferSize: payloadCapacity,
      buffers: slotCount,
    };
  }

  get type(): string {
    return this.#options.type;
  }

  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    return this.#serving.serve(listen);
  }

  /** Ends source and links, and removes the files. Idempotent. */
  async close(): Promise<void> {
    const stopped = this.#source.stop();
    await this.#release();
    await stopped;
    await this.#release(); // the source may just have been making them
  }

  async #release(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#parts = undefined;
    this.#serving.close();
    parts.host.setSourceState('ended', Number(wallClockNs()));
    // Readers that attach from now on must not find a flow that is about to go; the flow file last,
    // since it says whose the image is.
    rmSync(parts.imagePath, { force: true });
    if (parts.inode !== undefined) releasePath(parts.file.path, parts.inode);
    await parts.host.close();
  }

  async #make(channelBytes: number): Promise<MirrorSink> {
    const { app, flow, type, flowDirectory, ringBytes } = this.#options;
    const payloadCapacity = DISPLAY_HEADER_BYTES + channelBytes;
    const slotCount = mirrorSlots(payloadCapacity, ringBytes);
    const pipelined = slotCount >= MIRROR_SLOTS_WANTED;
    const { path, link, access } = prepareFlowPaths(this.#options, this.#log);
    const wanted = {
      path,
      identity: {
        application: app,
        flow,
        type,
        properties: { channelBytes, source: this.#options.sourceText },
      },
      slotCount,
      payloadCapacity,
      flags: FLOW_FLAGS.mirror,
      ...access.of('image'), // the flow takes no provider: nobody but this process writes
    };
    const inherited = await this.#inherited;
    const { file, takenOver } = obtainFlowFile(wanted, flowDirectory, inherited, this.#log);
    const inode = inodeOf(file.path);
    const imagePath = imageFilePath(flowDirectory, app, flow);
    const links = streamLink().createServer({ socketMode: access.of('socket').mode });
    try {
      // The image of a file that was taken over stays the same file, so that pointers into it stay
      // current.
      const image = takenOver
        ? mapImage(imagePath, payloadCapacity)
        : createImage(imagePath, payloadCapacity, access.of('image'));
      access.grant(path, 'image', takenOver);
      access.grant(imagePath, 'image', takenOver);
      const host = new FlowHost({
        file,
        links,
        openSlots: pipelined ? OPEN_SLOTS_PIPELINED : 1,
        stallTimeoutMs: this.#options.stallTimeoutMs,
        log: this.#log,
      });
      host.on('demoted', (client) => this.emit('demoted', client));
      host.on('clients', (count) => {
        file.setCounter(COUNTERS.clients.id, count);
        this.emit('clients', count);
      });
      await listenOnLink(links, link);
      access.grant(link, 'socket');
      const publisher = new MirrorPublisher(file, new ImageWriter(file, image), takenOver);
      this.#parts = { file, inode, imagePath, host, publisher, link };
      if (file.published > 0) {
        host.setSourceState('stale', Number(wallClockNs())); // until the first update
        this.#goesOn();
      }
      return {
        publisher,
        channelCapacity: channelBytes,
        pipelined,
        hasCredit: (sequence) => host.hasCredit(sequence),
        credit: (sequence) => host.credit(sequence),
      };
    } catch (error) {
      await links.close();
      rmSync(imagePath, { force: true });
      if (inode !== undefined) releasePath(file.path, inode);
      throw error;
    }
  }

  #showCounters(): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    const { file, publisher, host } = parts;
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

/**
 * As many slots as the budget allows, three where they can be mapped at all, two at least. Throws
 * TOO_LARGE with the numbers.
 */
function mirrorSlots(payloadCapacity: number, ringBytes: number): number {
  const mappable = slotsForBudget(payloadCapacity, LIMITS.mappedBytes, 0, MIRROR_SLOTS_MAX);
  const wanted = slotsForBudget(payloadCapacity, ringBytes, MIRROR_SLOTS_WANTED, MIRROR_SLOTS_MAX);
  const slotCount = Math.max(MIRROR_SLOTS_MIN, Math.min(wanted, mappable));
  try {
    return geometryOf(slotCount, payloadCapacity).slotCount;
  } catch (error) {
    const most = Math.floor(LIMITS.mappedBytes / MIRROR_SLOTS_MIN) - DISPLAY_HEADER_BYTES;
    throw new MirrorflowError(
      'TOO_LARGE',
      `the source has ${payloadCapacity - DISPLAY_HEADER_BYTES} bytes of channel storage; a mirror can hold about ${most}, ` +
        `since ${MIRROR_SLOTS_MIN} copies with their headers must fit one mapping of ${LIMITS.mappedBytes} bytes`,
      { channelBytes: payloadCapacity - DISPLAY_HEADER_BYTES, limitBytes: LIMITS.mappedBytes },
      error,
    );
  }
}
