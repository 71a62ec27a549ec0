/**
 * Keeps a mirror flow filled from a SpecTcl (a program that accumulates spectra and sends its
 * display memory on request): connects, runs a MirrorSession on the connection, and reconnects with
 * backoff (growing delays) when the source fails. Owned by MirrorFlow, which makes the flow when
 * the size of the source's memory is known. All sockets are those of its SourceConnection.
 *
 * | state      | event                                   | next                         |
 * | ---------- | --------------------------------------- | ---------------------------- |
 * | idle       | start()                                 | connecting                   |
 * | connecting | connected                               | running                      |
 * | connecting | connected, the memory outgrew the flow  | ended: `outgrown`            |
 * | connecting | failed, nothing was ever published      | ended: start() rejects       |
 * | connecting | failed, also with the file of a predecessor | waiting (stale)          |
 * | running    | bindings changed, or a FULL is due      | connecting (still live), after a short delay that grows with each change |
 * | running    | connection lost, impossible reply       | waiting (stale)              |
 * | running    | silence                                 | running (stale): the connection is kept |
 * | running    | longer silence, but REST answers        | waiting (stale)              |
 * | waiting    | delay over                              | connecting                   |
 * | any        | stop()                                  | ended                        |
 */
import { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/base/address.js';
import { Backoff, REOPEN_BACKOFF, SOURCE_BACKOFF } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError, type ErrorCode } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import { sourceStack } from '../../protocol/base/source-stack.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import { MIRROR_HEADER_BYTES } from '../../protocol/spectcl/mirror-messages.js';
import type { MirrorConnection, Reply } from './mirror-connection.js';
import { MirrorSession, type LeaveReason, type MirrorTarget } from './mirror-session.js';
import { Pace, type PaceOptions } from './pace.js';
import { RetiredConnections } from './retired-connections.js';
import { openServices, type SourceServices, type SourceTimes } from './source-connection.js';

export interface SpecTclSourceOptions extends PaceOptions {
  readonly address: AddressOf<'spectcl'>;
  readonly times: SourceTimes;
  /**
   * Milliseconds after which the connection is reopened for a full update, the only one that
   * carries SpecTcl's display header; 0: never.
   */
  readonly fullIntervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

interface SourceEvents {
  /** An update was received and did not differ from the newest publication. */
  unchanged: [];
  published: [sequence: number];
  /**
   * The newest publication has all changes of bindings that the source made before `asOfMs`, a
   * reading of the clock.
   */
  bindingsVerified: [asOfMs: number];
  state: [state: SourceState, cause: MirrorflowError | undefined];
  /** The source's channel storage, in bytes, no longer fits the flow. The source has stopped. */
  outgrown: [channelBytes: number];
}

/**
 * Bounds of the number of silences after which a connection is replaced; it doubles with each
 * replacement that brought no update.
 */
const SILENCES_MIN = 2;
const SILENCES_MAX = 64;

/** How the flow is made, once. */
export interface TargetFactory {
  /** For a source with `channelBytes` bytes of channel storage. */
  make(channelBytes: number): Promise<MirrorTarget>;
  /**
   * While the source cannot be reached: with the publications of a dead predecessor; undefined
   * where there are none.
   */
  continue(): Promise<MirrorTarget | undefined>;
}

/** The source's fault, not that of this host. */
const SOURCE_ERRORS: ReadonlySet<ErrorCode> = new Set([
  'SOURCE_UNREACHABLE',
  'SOURCE_REFUSED',
  'SOURCE_PROTOCOL',
  'CLOSED',
] as const);

export class SpecTclSource extends EventEmitter<SourceEvents> {
  readonly #options: SpecTclSourceOptions;
  readonly #targets: TargetFactory;
  readonly #backoff = new Backoff(SOURCE_BACKOFF);
  readonly #reopenBackoff = new Backoff(REOPEN_BACKOFF);
  readonly #pace: Pace;
  readonly #retired: RetiredConnections;
  readonly #stopping = new AbortController();
  readonly #wait: InterruptibleWait;
  #target: MirrorTarget | undefined;
  #state: SourceState = 'starting';
  /** Silences in a row after which a connection is replaced if REST answers. */
  #silencesMax = SILENCES_MIN;
  #running: Promise<void> | undefined;
  /** Resolves when REST has released the traces of every connection that was left. */
  #closing: Promise<unknown> = Promise.resolve();
  readonly statistics = { updates: 0, unchanged: 0, receivedBytes: 0, connections: 0, updateMs: 0 };

  constructor(options: SpecTclSourceOptions, targets: TargetFactory) {
    super();
    this.#options = options;
    this.#targets = targets;
    this.#pace = new Pace(options);
    this.#retired = new RetiredConnections(options.clock);
    this.#wait = new InterruptibleWait(options.clock, this.#stopping.signal);
  }

  get state(): SourceState {
    return this.#state;
  }

  /**
   * Resolves at the first publication; rejects with the cause when the source cannot be mirrored
   * now and no predecessor has published anything, with STOPPED after `stop`.
   */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.once('published', () => resolve());
      this.#running = this.#run(reject).finally(() => {
        this.#retired.close();
        reject(new MirrorflowError('STOPPED', 'the mirror was stopped before its first update'));
      });
    });
  }

  /** Closes the connection; resolves when all that it started has ended. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#closing;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(rejectStart: (error: unknown) => void): Promise<void> {
    while (!this.#stopped) {
      try {
        if ((await this.#mirrorOnce()) === 'stop') return;
        await this.#wait.wait(this.#reopenBackoff.next());
      } catch (thrown) {
        if (this.#stopped) return;
        const error = this.#asMirrorflowError(thrown);
        if (!(await this.#canWait(error))) {
          rejectStart(error);
          return;
        }
        this.#setState('stale', error);
        await this.#wait.wait(this.#backoff.next());
      }
    }
  }

  /** Whether there are publications for clients while the source is away. */
  async #canWait(error: MirrorflowError): Promise<boolean> {
    if (SOURCE_ERRORS.has(error.code)) this.#target ??= await this.#targets.continue();
    return this.#hasPublished;
  }

  get #hasPublished(): boolean {
    return this.#target !== undefined && this.#target.publisher.published > 0;
  }

  /** Mirrors over one connection until it is left or fails. */
  async #mirrorOnce(): Promise<LeaveReason> {
    const { address, times, clock } = this.#options;
    await this.#wait.wait(this.#retired.quietMs);
    if (this.#stopped) return 'stop';
    const services = await openServices(address, times, clock, this.#stopping.signal);
    let failed = true;
    try {
      const reason = await this.#mirrorFrom(services);
      failed = false;
      return reason;
    } finally {
      this.#closing = Promise.all([this.#closing, services.close(!failed)]);
    }
  }

  async #mirrorFrom(services: SourceServices): Promise<LeaveReason> {
    const { clock, intervalMs, fullIntervalMs } = this.#options;
    const { signal } = this.#stopping;
    if (this.#stopped) return 'stop';
    // Before the flow is made: to allocate a large ring blocks this thread for longer than an
    // answer may take.
    await services.bindings?.ready;
    this.#target ??= await this.#targets.make(services.channelBytes);
    if (services.channelBytes > this.#target.channelCapacity) {
      this.emit('outgrown', services.channelBytes);
      return 'stop';
    }
    const mirror: MirrorConnection = await services.connectMirror((error, count) =>
      this.#sourceIsSilent(services, mirror, error, count),
    );
    this.statistics.connections += 1;
    this.#retired.successorConnected();
    try {
      const session = new MirrorSession(
        services,
        mirror,
        this.#target,
        { pace: this.#pace, backToBack: intervalMs === 0, fullIntervalMs, clock, wait: this.#wait, signal },
        {
          received: (reply) => this.#count(reply),
          unchanged: () => this.#updateIsUnchanged(),
          published: (sequence) => this.#updateIsPublished(sequence),
          bindingsVerified: (asOfMs) => this.emit('bindingsVerified', asOfMs),
          headerOutlivedUpdate: () => this.#reopenBackoff.reset(),
        },
      );
      return await session.run();
    } finally {
      this.#retired.retire(mirror);
    }
  }

  /**
   * A SpecTcl that hangs may answer later, and each connection that is closed meanwhile can cost it
   * a thread. So the connection is kept, unless the source answers REST: then only the thread that
   * serves this connection is lost.
   */
  #sourceIsSilent(
    services: SourceServices,
    mirror: MirrorConnection,
    error: MirrorflowError,
    count: number,
  ): void {
    if (!this.#hasPublished) {
      mirror.abandon(error);
      return;
    }
    this.#setState('stale', error);
    if (count < this.#silencesMax) return;
    void services.answers().then((answers) => {
      if (!answers || !mirror.silent) return;
      this.#silencesMax = Math.min(this.#silencesMax * 2, SILENCES_MAX);
      mirror.abandon(error);
    });
  }

  #count(reply: Reply): void {
    this.#silencesMax = SILENCES_MIN;
    this.statistics.updates += 1;
    this.statistics.receivedBytes += reply.bodyBytes + MIRROR_HEADER_BYTES;
    this.statistics.updateMs += reply.receivedMs - reply.requestedMs;
  }

  #updateIsUnchanged(): void {
    this.statistics.unchanged += 1;
    this.emit('unchanged');
    this.#backoff.reset();
    this.#setState('live');
  }

  #updateIsPublished(sequence: number): void {
    this.#backoff.reset();
    this.#setState('live');
    this.emit('published', sequence);
  }

  #setState(state: SourceState, cause?: MirrorflowError): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state, cause);
  }

  /** Anything but a MirrorflowError is a defect of this program, so its stack is logged. */
  #asMirrorflowError(thrown: unknown): MirrorflowError {
    if (thrown instanceof MirrorflowError) return thrown;
    const error = new MirrorflowError('SYSTEM_ERROR', describeError(thrown), {}, thrown);
    this.#options.log.error('mirroring failed', { error, stack: sourceStack(thrown) });
    return error;
  }
}
