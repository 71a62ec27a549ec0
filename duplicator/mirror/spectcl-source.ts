/**
 * Fills a mirror flow from a SpecTcl: asks for updates at a pace, publishes what changed under a
 * header that is known to hold, and when the source is away marks the data stale and comes back to
 * it with backoff.
 *
 * | state      | event                                   | next                         |
 * | ---------- | --------------------------------------- | ---------------------------- |
 * | idle       | start()                                 | connecting                   |
 * | connecting | connected                               | running                      |
 * | connecting | failed, nothing was ever published      | ended: start() rejects       |
 * | connecting | failed                                  | waiting (stale)              |
 * | running    | bindings changed, or a FULL is due      | connecting (still live), after a short delay that grows when it goes on |
 * | running    | connection lost, impossible reply       | waiting (stale)              |
 * | waiting    | delay over                              | connecting                   |
 * | any        | stop()                                  | ended                        |
 */
import { EventEmitter } from 'eventemitter3';
import type { AddressOf } from '../../protocol/base/address.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import { sourceStack } from '../../protocol/base/source-stack.js';
import { Backoff, REOPEN_BACKOFF, SOURCE_BACKOFF } from '../../protocol/base/backoff.js';
import { MIRROR_HEADER_BYTES } from '../../protocol/spectcl/mirror-messages.js';
import type { MirrorConnection, Reply } from './mirror-connection.js';
import type { MirrorPublisher, Prepared } from './mirror-publisher.js';
import { Pace, type PaceOptions } from './pace.js';
import { closeSource, connectSource, type SourceConnection, type SourceTimes } from './source-connection.js';

export interface SpecTclSourceOptions extends PaceOptions {
  readonly address: AddressOf<'spectcl'>;
  readonly times: SourceTimes;
  /**
   * Reopen for a FULL update this often, milliseconds: SpecTcl's statistics travel only with it. 0:
   * never.
   */
  readonly fullIntervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What the source fills; made when the size is known. */
export interface MirrorSink {
  readonly publisher: MirrorPublisher;
  /** Bytes of channel storage the flow has room for. */
  readonly channelCapacity: number;
  /**
   * True when a slot can be received while the one before waits for its verdict: three slots or
   * more.
   */
  readonly pipelined: boolean;
  /**
   * Whether the slot of this sequence may be overwritten: no lossless consumer holds what it has.
   */
  hasCredit(sequence: number): boolean;
  /** Resolves when it may. */
  credit(sequence: number): Promise<void>;
}

interface SourceEvents {
  /** An update was received and judged, whatever it brought. */
  judged: [];
  published: [sequence: number];
  state: [state: SourceState, cause: MirrorflowError | undefined];
  /** The source's memory outgrew the flow: it must be made anew. */
  outgrown: [channelBytes: number];
}

interface Update {
  readonly reply: Reply;
  /** The memory it was received into. */
  readonly memory: Buffer;
}

/** Why a connection is left without anything being wrong. */
type Leave = 'reopen' | 'stop';

/**
 * The end of an update that is compared when the next one has been asked for, bytes: about what is
 * compared in the time that a source takes to begin its answer, in which nothing can be received.
 */
const COMPARED_LATER_BYTES = 3 * 2 ** 20;
/**
 * While nothing changes, bindings are still asked for this often, milliseconds: a new spectrum may
 * be empty.
 */
const BINDING_CHECK_MS = 400;

export class SpecTclSource extends EventEmitter<SourceEvents> {
  readonly #options: SpecTclSourceOptions;
  readonly #makeSink: (channelBytes: number) => Promise<MirrorSink>;
  readonly #backoff = new Backoff(SOURCE_BACKOFF);
  readonly #reopenBackoff = new Backoff(REOPEN_BACKOFF);
  readonly #stopping = new AbortController();
  readonly #pace: Pace;
  #sink: MirrorSink | undefined;
  #state: SourceState = 'starting';
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;
  /** What connections that were left have still to say to REST. */
  #closing: Promise<unknown> = Promise.resolve();
  /**
   * The verdict on the header of an update that waits for it; gone when it held and the update was
   * published.
   */
  #unverified: Promise<boolean> | undefined;
  /** The verdict is there and is not that the header held: the connection must be left. */
  #headerFailed = false;
  #bindingsCheckedMs = 0;
  #fullAtMs = 0;
  readonly statistics = { updates: 0, unchanged: 0, receivedBytes: 0, connections: 0, updateMs: 0 };

  constructor(options: SpecTclSourceOptions, makeSink: (channelBytes: number) => Promise<MirrorSink>) {
    super();
    this.#options = options;
    this.#makeSink = makeSink;
    this.#pace = new Pace(options);
  }

  get state(): SourceState {
    return this.#state;
  }

  /**
   * Resolves at the first publication; rejects with the cause when the source cannot be mirrored
   * now, with STOPPED after `stop`.
   */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.once('published', () => resolve());
      this.#running = this.#run(reject).finally(() =>
        reject(new MirrorflowError('STOPPED', 'the mirror was stopped before its first update')),
      );
    });
  }

  /** Ends the connection; resolves when nothing of it runs any more. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#running;
    await this.#closing;
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #run(rejectStart: (error: unknown) => void): Promise<void> {
    while (!this.#stopped) {
      try {
        const leave = await this.#mirrorOnce();
        if (leave === 'stop') return;
        await this.#sleep(this.#reopenBackoff.next());
      } catch (thrown) {
        if (this.#stopped) return;
        const error =
          thrown instanceof MirrorflowError
            ? thrown
            : new MirrorflowError('SYSTEM_ERROR', describeError(thrown), {}, thrown);
        if (!(thrown instanceof MirrorflowError))
          this.#options.log.error('mirroring failed', {
            error,
            stack: sourceStack(thrown),
          });
        if (this.#sink === undefined || this.#sink.publisher.published === 0) {
          rejectStart(error);
          return;
        }
        this.#setState('stale', error);
        await this.#sleep(this.#backoff.next());
      }
    }
  }

  async #mirrorOnce(): Promise<Leave> {
    const { address, times, clock } = this.#options;
    const source = await connectSource(address, times, clock, this.#stopping.signal);
    try {
      if (this.#stopped) return 'stop';
      this.statistics.connections += 1;
      this.#sink ??= await this.#makeSink(source.channelBytes);
      if (source.channelBytes > this.#sink.channelCapacity) {
        this.emit('outgrown', source.channelBytes);
        return 'stop';
      }
      this.#fullAtMs = clock.nowMs();
      return await this.#update(source, this.#sink);
    } finally {
      this.#unverified = undefined;
      this.#headerFailed = false;
      this.#closing = Promise.all([this.#closing, closeSource(source)]);
    }
  }

  /** Update after update on one connection, until there is a reason to leave it. */
  async #update(source: SourceConnection, sink: MirrorSink): Promise<Leave> {
    let inFlight = this.#request(source.mirror, sink);
    for (let first = true; ; first = false) {
      const update = await inFlight;
      this.#count(update.reply);
      if (first && update.reply.kind === 'partial') {
        throw new MirrorflowError(
          'SOURCE_PROTOCOL',
          'the first update of a connection came without a display header: this is no SpecTcl mirror service',
        );
      }
      if (!(await this.#headerHeld())) return 'reopen';
      if (!first) this.#reopenBackoff.reset(); // the header outlived an update: bindings rest
      const early = this.#prefetch(source.mirror, sink);
      if (!(await this.#digest(source, sink, update))) return 'reopen';
      if (early !== undefined) {
        inFlight = early;
      } else {
        await this.#sleep(
          this.#pace.nextRequestMs(update.reply.requestedMs, update.reply.receivedMs) -
            this.#options.clock.nowMs(),
        );
        if (this.#stopped) return 'stop';
        const wait = !sink.pipelined || this.#headerFailed || this.#fullIsDue(source);
        if (wait && !(await this.#headerHeld())) return 'reopen';
        if (this.#fullIsDue(source)) return 'reopen';
        inFlight = this.#request(source.mirror, sink);
      }
    }
  }

  /** Asks for an update as soon as the slot it will fill is free. */
  async #request(mirror: MirrorConnection, sink: MirrorSink): Promise<Update> {
    await sink.credit(sink.publisher.next + this.#ahead());
    return this.#send(mirror, sink);
  }

  /**
   * Back to back, the source prepares the next update while this one is compared: the request goes
   * out first. Still one request at a time. The slot after the next must be free for it, since the
   * update at hand is about to take the next.
   */
  #prefetch(mirror: MirrorConnection, sink: MirrorSink): Promise<Update> | undefined {
    if (!this.#backToBack(sink) || this.#stopped) return undefined;
    if (!sink.hasCredit(sink.publisher.next + 1)) return undefined;
    const early = this.#send(mirror, sink);
    early.catch(() => undefined); // awaited in the next round, which may not come
    return early;
  }

  #backToBack(sink: MirrorSink): boolean {
    return this.#options.intervalMs === 0 && !this.#pace.calm && sink.pipelined;
  }

  async #send(mirror: MirrorConnection, sink: MirrorSink): Promise<Update> {
    let memory: Buffer | undefined;
    const leftBytes = this.#backToBack(sink) ? COMPARED_LATER_BYTES : 0;
    const reply = await mirror.request(
      sink.channelCapacity,
      (kind) => (memory = sink.publisher.open(this.#ahead(), kind)),
      (kind, arrived, bodyBytes) => {
        // While another update waits for its verdict, the image is about to change: what is
        // compared with it now would be compared again.
        if (this.#unverified === undefined)
          sink.publisher.arrived(kind, Math.min(arrived, bodyBytes - leftBytes));
      },
    );
    return { reply, memory: memory as Buffer };
  }

  /**
   * While an update waits for the verdict on its header, the next one is received a slot further
   * on.
   */
  #ahead(): 0 | 1 {
    return this.#unverified === undefined ? 0 : 1;
  }

  /** Judges an update. False when the connection must be reopened for a new header. */
  async #digest(source: SourceConnection, sink: MirrorSink, { reply, memory }: Update): Promise<boolean> {
    const preparation = sink.publisher.prepare(memory, reply.kind, reply.bodyBytes);
    this.#pace.note(preparation.kind === 'changed');
    switch (preparation.kind) {
      case 'unsound':
        throw new MirrorflowError(
          'SOURCE_PROTOCOL',
          `the display header that the source sent leads outside its memory: ${preparation.problem}`,
        );
      case 'misfit':
        return false;
      case 'unchanged': {
        this.statistics.unchanged += 1;
        this.emit('judged');
        this.#backoff.reset();
        this.#setState('live');
        return this.#bindingsHold(source);
      }
      case 'changed':
        this.#publishWhenVerified(source, sink, preparation.prepared);
        return true;
    }
  }

  /**
   * Publishes at once where the server announces new headers itself, otherwise when REST knows of
   * no change of bindings.
   */
  #publishWhenVerified(source: SourceConnection, sink: MirrorSink, prepared: Prepared): void {
    if (source.bindings === undefined) {
      this.#publish(sink, prepared);
      return;
    }
    const verdict = source.bindings.verdict().then((found) => {
      this.#bindingsCheckedMs = this.#options.clock.nowMs();
      if (this.#unverified !== verdict) return false; // the connection was left meanwhile
      if (found === 'changed') {
        // The verdict stays: whoever asks next must hear it.
        this.#failHeader(verdict);
        return false;
      }
      this.#unverified = undefined;
      this.#publish(sink, prepared);
      return true;
    });
    verdict.catch(() => this.#failHeader(verdict));
    this.#unverified = verdict;
  }

  #failHeader(verdict: Promise<boolean>): void {
    if (this.#unverified !== verdict) return;
    this.#headerFailed = true;
    this.#wake?.();
  }

  #publish(sink: MirrorSink, prepared: Prepared): void {
    const sequence = sink.publisher.publish(prepared, Number(wallClockNs()));
    this.#backoff.reset();
    this.#setState('live');
    this.emit('published', sequence);
  }

  /**
   * Waits for the verdict on the update before, if there is one. False when its header did not
   * hold.
   */
  async #headerHeld(): Promise<boolean> {
    return this.#unverified ?? true;
  }

  async #bindingsHold(source: SourceConnection): Promise<boolean> {
    const nowMs = this.#options.clock.nowMs();
    if (source.bindings === undefined || nowMs - this.#bindingsCheckedMs < BINDING_CHECK_MS) return true;
    this.#bindingsCheckedMs = nowMs;
    return (await source.bindings.verdict()) === 'same';
  }

  #fullIsDue(source: SourceConnection): boolean {
    const { fullIntervalMs, clock } = this.#options;
    return (
      fullIntervalMs > 0 && source.bindings !== undefined && clock.nowMs() - this.#fullAtMs >= fullIntervalMs
    );
  }

  #count(reply: Reply): void {
    this.statistics.updates += 1;
    this.statistics.receivedBytes += reply.bodyBytes + MIRROR_HEADER_BYTES;
    this.statistics.updateMs += reply.receivedMs - reply.requestedMs;
  }

  #setState(state: SourceState, cause?: MirrorflowError): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit('state', state, cause);
  }

  async #sleep(delayMs: number): Promise<void> {
    if (delayMs <= 0 || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.after(delayMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
