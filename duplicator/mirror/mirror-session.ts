/**
 * The updates of one source connection: requests one after the other at a pace, receives each into
 * the next free slot of the flow, and passes it through the UpdatePipeline (compare, verify,
 * publish). Ends with the reason for which the connection must be left. One session per connection,
 * run by SpecTclSource. Opens nothing itself.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { MirrorConnection, Reply } from './mirror-connection.js';
import type { MirrorPublisher } from './mirror-publisher.js';
import type { Pace } from './pace.js';
import type { SourceServices } from './source-connection.js';
import { StatisticsWatch } from './statistics-watch.js';
import { UpdatePipeline } from './update-pipeline.js';

/** The flow that a source fills; made when the size of the source's memory is known. */
export interface MirrorTarget {
  readonly publisher: MirrorPublisher;
  /** Bytes of channel storage that the flow has room for. */
  readonly channelCapacity: number;
  /**
   * Whether an update can be received while the one before is verified: with three slots or more.
   */
  readonly pipelined: boolean;
  /** Whether the slot of `sequence` may be written: no lossless consumer needs what it holds. */
  hasCredit(sequence: number): boolean;
  /** Resolves when that slot may be written. */
  credit(sequence: number): Promise<void>;
}

export interface SessionOptions {
  readonly pace: Pace;
  /** Updates are requested back to back, without an interval. */
  readonly backToBack: boolean;
  /** Milliseconds after which the connection is left for a full update; 0: never. */
  readonly fullIntervalMs: number;
  readonly clock: Clock;
  /** The source's, so that stopping the source ends the session's waits. */
  readonly wait: InterruptibleWait;
  /** Stops the session. */
  readonly signal: AbortSignal;
}

export interface SessionHooks {
  /** An update has arrived; it is judged next. */
  received(reply: Reply): void;
  unchanged(): void;
  published(sequence: number): void;
  /**
   * The newest publication has all changes of bindings that the source made before `asOfMs`, a
   * clock reading.
   */
  bindingsVerified(asOfMs: number): void;
  /** The header is still valid after a later update: bindings are at rest. */
  headerOutlivedUpdate(): void;
}

/**
 * Why a connection is left although nothing failed: for a new header, or since the mirror stops.
 */
export type LeaveReason = 'reopen' | 'stop';

interface ReceivedUpdate {
  readonly reply: Reply;
  /** The payload of the slot into which it was received. */
  readonly memory: Buffer;
}

/**
 * The end of an update, bytes, that is compared after the next one has been requested: about what
 * is compared while a source prepares its answer, when nothing arrives.
 */
const COMPARED_LATER_BYTES = 3 * 2 ** 20;

export class MirrorSession {
  readonly #services: SourceServices;
  readonly #mirror: MirrorConnection;
  readonly #target: MirrorTarget;
  readonly #options: SessionOptions;
  readonly #hooks: SessionHooks;
  readonly #pipeline: UpdatePipeline;
  /** Undefined for a source whose display header has no statistics (Rustogramer). */
  readonly #statistics: StatisticsWatch | undefined;
  readonly #openedMs: number;

  constructor(
    services: SourceServices,
    mirror: MirrorConnection,
    target: MirrorTarget,
    options: SessionOptions,
    hooks: SessionHooks,
  ) {
    const { clock, wait, pace } = options;
    const { bindings, rest } = services;
    this.#services = services;
    this.#mirror = mirror;
    this.#target = target;
    this.#options = options;
    this.#hooks = hooks;
    this.#openedMs = clock.nowMs();
    if (bindings !== undefined)
      this.#statistics = new StatisticsWatch(rest, clock, (statistics) =>
        target.publisher.noteStatistics(statistics),
      );
    this.#pipeline = new UpdatePipeline(target.publisher, bindings, clock, {
      published: (sequence) => hooks.published(sequence),
      bindingsVerified: (asOfMs, answerMs) => {
        pace.noteAnswer(answerMs);
        hooks.bindingsVerified(asOfMs);
      },
      broken: () => wait.wake(),
    });
  }

  /** Throws SOURCE_UNREACHABLE or SOURCE_PROTOCOL when the source fails. */
  async run(): Promise<LeaveReason> {
    try {
      return await this.#exchangeUpdates();
    } finally {
      this.#statistics?.close();
      this.#pipeline.close();
    }
  }

  async #exchangeUpdates(): Promise<LeaveReason> {
    const { pace, clock, wait, signal } = this.#options;
    let request = this.#request();
    for (let first = true; ; first = false) {
      const update = await request;
      this.#hooks.received(update.reply);
      if (update.reply.kind === 'partial') pace.noteReply(update.reply.sourceMs);
      if (first) requireHeader(update.reply);
      if (!(await this.#pipeline.headerHeld())) return 'reopen';
      if (!first) this.#hooks.headerOutlivedUpdate();
      this.#statistics?.poll();
      const prefetch = this.#prefetch();
      if (!(await this.#judge(update))) return 'reopen';
      if (prefetch !== undefined) {
        request = prefetch;
        continue;
      }
      const { requestedMs, receivedMs } = update.reply;
      await wait.wait(pace.nextRequestMs(requestedMs, receivedMs) - clock.nowMs());
      if (signal.aborted) return 'stop';
      const mustSettle = !this.#target.pipelined || this.#pipeline.broken || this.#fullIsDue;
      if (mustSettle && !(await this.#pipeline.headerHeld())) return 'reopen';
      if (this.#fullIsDue) return 'reopen';
      request = this.#request();
    }
  }

  /** Requests an update as soon as the slot that it will fill is free. */
  async #request(): Promise<ReceivedUpdate> {
    await this.#target.credit(this.#pipeline.nextSequence);
    return this.#send();
  }

  /**
   * Back to back, the next request is sent before this update is compared, so that the source
   * prepares its answer meanwhile; still one request at a time. Undefined when the slot after the
   * next is not free, since this update is about to occupy the next.
   */
  #prefetch(): Promise<ReceivedUpdate> | undefined {
    if (!this.#requestsEarly || this.#options.signal.aborted) return undefined;
    if (!this.#target.hasCredit(this.#target.publisher.next + 1)) return undefined;
    const update = this.#send();
    // Handled in the next round, unless the connection is left before.
    update.catch(() => undefined);
    return update;
  }

  async #send(): Promise<ReceivedUpdate> {
    const { channelCapacity } = this.#target;
    const pipeline = this.#pipeline;
    const comparedLaterBytes = this.#requestsEarly ? COMPARED_LATER_BYTES : 0;
    let memory: Buffer | undefined;
    const reply = await this.#mirror.request(channelCapacity, {
      memoryFor: (kind) => (memory = pipeline.openSlot(kind)),
      arrived: (kind, arrivedBytes, bodyBytes) =>
        pipeline.arrived(kind, Math.min(arrivedBytes, bodyBytes - comparedLaterBytes)),
    });
    return { reply, memory: memory as Buffer };
  }

  /** Compares an update and submits a changed one. False when a new header is needed. */
  async #judge({ reply, memory }: ReceivedUpdate): Promise<boolean> {
    const comparison = this.#pipeline.compare(memory, reply);
    this.#options.pace.note(comparison.kind === 'changed');
    switch (comparison.kind) {
      case 'unsound':
        throw new MirrorflowError(
          'SOURCE_PROTOCOL',
          `the display header that the source sent refers to bytes outside its memory: ${comparison.problem}`,
        );
      case 'misfit':
        return false;
      case 'unchanged':
        this.#hooks.unchanged();
        this.#noteAnnounced(reply);
        return this.#pipeline.bindingsHeld();
      case 'changed':
        this.#pipeline.submit(comparison.update);
        this.#noteAnnounced(reply);
        return true;
    }
  }

  /** A source that announces changed headers itself has sent the header of the request's time. */
  #noteAnnounced({ requestedMs }: Reply): void {
    if (this.#services.bindings === undefined) this.#hooks.bindingsVerified(requestedMs);
  }

  get #requestsEarly(): boolean {
    const { backToBack, pace } = this.#options;
    return backToBack && !pace.idle && this.#target.pipelined;
  }

  /** Only the first update of a connection has SpecTcl's display header with all it contains. */
  get #fullIsDue(): boolean {
    const { fullIntervalMs, clock } = this.#options;
    if (fullIntervalMs === 0 || this.#services.bindings === undefined) return false;
    return clock.nowMs() - this.#openedMs >= fullIntervalMs;
  }
}

function requireHeader({ kind }: Reply): void {
  if (kind === 'full') return;
  throw new MirrorflowError(
    'SOURCE_PROTOCOL',
    'the first update of a connection came without a display header; check that the port is that of a SpecTcl mirror service',
  );
}
