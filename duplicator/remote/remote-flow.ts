/**
 * A flow that the duplicator of another host sends: UpstreamConnector keeps the link to it, the
 * welcome of the first link has the flow made here (flow file, a mirror's image, signal link), and
 * a FlowSink fills it. The flow is served to consumers on this host and, as a relay, to further
 * hosts. Used by the duplicator program (`--source`). Writes counters; sockets and files are those
 * of its parts.
 *
 * | state    | event                                     | next                                          |
 * | -------- | ----------------------------------------- | --------------------------------------------- |
 * | starting | welcomed                                  | running: the flow is made                     |
 * | starting | anything else                             | ended: start() rejects                        |
 * | running  | link lost                                 | waiting (stale, unless the flow had ended)    |
 * | waiting  | welcomed at the same epoch                | running: continues where it was               |
 * | waiting  | welcomed at another epoch                 | `replaced`: a new duplicator must start       |
 * | any      | close()                                   | ended                                         |
 */
import type { AddressOf } from '../../protocol/base/address.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import {
  PROVIDER_GENERATION,
  sourceStateOf,
  type SourceState,
} from '../../protocol/flow/flow-file/layout.js';
import { DELIVERY_DETAIL } from '../../protocol/flow/wire/frame.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import { readSecurity } from '../../protocol/rpc/security/options.js';
import type { RemoteFlowOptions } from '../options.js';
import type { Delivery } from '../serving/consumer-registry.js';
import { DuplicatedFlow } from '../serving/duplicated-flow.js';
import type { FlowSink, FlowSinkHooks } from './flow-sink.js';
import {
  findRemotePredecessor,
  makeReceivedFlow,
  resumePoint,
  type RemotePredecessor,
} from './received-flow.js';
import { RemoteServer } from './remote-server.js';
import { UpstreamConnector } from './upstream-connector.js';
import { UpstreamDelivery } from './upstream-delivery.js';

export class RemoteFlow extends DuplicatedFlow {
  protected readonly server: RemoteServer;
  readonly #options: RemoteFlowOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #connector: UpstreamConnector;
  readonly #delivery: UpstreamDelivery;
  #predecessor: RemotePredecessor | undefined;
  #sink: FlowSink | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: SourceState = 'starting';
  /** The sender closed the present link in good order. */
  #senderClosed = false;
  #receivedBytes = 0;

  constructor(options: RemoteFlowOptions, clock: Clock, log: Logger) {
    super();
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.server = new RemoteServer(options, clock, log, () => this.served);
    this.#delivery = new UpstreamDelivery(clock, (delivery) => this.#connector.deliver(delivery));
    this.#connector = new UpstreamConnector(options, clock, log, {
      request: () => this.#request(),
      welcomed: (welcome) => this.#welcomed(welcome),
      received: (bytes) => this.#received(bytes),
      lost: (error) => this.#lost(error),
    });
  }

  /** Resolves when the sender has welcomed this host and the flow is made. */
  async start(): Promise<void> {
    const security = readSecurity(this.#options.security);
    const { secret } = security;
    this.#predecessor = await findRemotePredecessor(this.#options, this.#log);
    this.#delivery.expect(this.#predecessor.lossless);
    await new Promise<void>((resolve, reject) => {
      this.#running = this.#connector.run(security, secret, resolve, reject);
    });
  }

  get sourceState(): SourceState {
    return this.#state;
  }

  get type(): string {
    return this.mustBeHosted.file.identity.type;
  }

  override expectConsumersAtMost(consumers: number): void {
    this.#delivery.expectAtMost(consumers + (this.#predecessor?.remotes ?? 0));
    super.expectConsumersAtMost(consumers);
  }

  override redirect(source: AddressOf<'tcp' | 'tls'>): void {
    this.#connector.redirect(source);
  }

  async close(): Promise<void> {
    this.#connector.stop();
    this.#delivery.granted(undefined);
    await this.release();
    await this.#running;
    await this.release(); // the flow may have been made while the link was closed
  }

  #request(): Pick<WireHello, 'delivery' | 'resume'> {
    this.#senderClosed = false;
    const delivery = this.#delivery.begin();
    const resume = this.hosted === undefined ? this.#predecessor?.resume : resumePoint(this.hosted.file);
    return resume === undefined ? { delivery } : { delivery, resume };
  }

  async #welcomed(welcome: WireWelcome): Promise<FlowSink> {
    if (this.hosted !== undefined && this.hosted.file.sourceEpoch !== welcome.epoch) {
      const why = `the sequences of ${this.#options.sourceText} started again`;
      this.emit('replaced', why);
      throw new MirrorflowError('STOPPED', why);
    }
    const sink = this.#sink ?? (await this.#make(welcome));
    if (this.#connector.stopped) throw new MirrorflowError('STOPPED', 'the flow was stopped');
    this.#delivery.granted(welcome.delivery);
    this.#setState(welcome.state, welcome.sinceNs, welcome.generation);
    setImmediate(() => this.#delivery.settle());
    return sink;
  }

  async #make(welcome: WireWelcome): Promise<FlowSink> {
    const { hosted, sink, history } = await makeReceivedFlow(
      this.#options,
      welcome,
      this.#predecessor?.state,
      this.#clock,
      this.#log,
      { beforeLossless: () => this.#delivery.beforeLossless(), sink: this.#sinkHooks() },
    );
    this.#sink = sink;
    this.adopt(hosted, history);
    const { host } = hosted;
    host.on('lossless', (count) => this.#delivery.count(count));
    const expectNone = (): void => this.#delivery.expect(0);
    // Consumers that find another file than they had attach within about the same time as
    // consumers that reattach.
    if (host.expectsReattachments) host.once('complete', expectNone);
    else this.#clock.after(this.#options.reattachMs, expectNone, true);
    return sink;
  }

  #sinkHooks(): FlowSinkHooks {
    return {
      state: (detail, sinceNs) => {
        const state = sourceStateOf(detail % PROVIDER_GENERATION);
        if (state !== undefined) this.#setState(state, sinceNs, Math.floor(detail / PROVIDER_GENERATION));
      },
      delivery: (detail) => this.#granted(detail === DELIVERY_DETAIL.lossless ? 'lossless' : 'lossy'),
      senderClosed: () => (this.#senderClosed = true),
    };
  }

  #granted(delivery: Delivery): void {
    if (this.#delivery.isRefused(delivery))
      this.#log.warn('the other host sends without waiting for this one: buffers may be lost', {
        source: this.#options.sourceText,
      });
    this.#delivery.granted(delivery);
  }

  #lost(error: unknown): void {
    this.#delivery.granted(undefined);
    const cause =
      error instanceof MirrorflowError
        ? error
        : new MirrorflowError('SYSTEM_ERROR', describeError(error), {}, error);
    // A flow that has ended stays so: its sender has nothing that is not here.
    if (this.hosted === undefined || (this.#senderClosed && this.#state === 'ended')) return;
    this.#setState('stale', Number(wallClockNs()), this.hosted.host.generation, cause);
  }

  #setState(state: SourceState, sinceNs: number, generation: number, cause?: MirrorflowError): void {
    const host = this.hosted?.host;
    if (host === undefined) return;
    const isChanged = state !== this.#state || generation !== host.generation;
    this.#state = state;
    if (!isChanged) return;
    host.setSourceState(state, sinceNs, generation);
    this.emit('state', state, cause);
  }

  #received(bytes: number): void {
    this.#receivedBytes += bytes;
    const file = this.hosted?.file;
    const sink = this.#sink;
    if (file === undefined || sink === undefined) return;
    file.setCounter(COUNTERS.receivedBytes.id, this.#receivedBytes);
    file.setCounter(COUNTERS.published.id, file.published);
    file.setCounter(COUNTERS.gaps.id, sink.gaps);
    file.setCounter(COUNTERS.missing.id, sink.missing);
    file.setCounter(COUNTERS.connections.id, this.#connector.connections);
  }
}
