/**
 * A flow that another host's duplicator sends, as one thing: the link to it, which comes back after
 * every cut, the flow file (a mirror's image beside it) that the link fills, and the host that
 * serves them, to other hosts too.
 *
 * | state      | event                                  | next                                              |
 * | ---------- | -------------------------------------- | ------------------------------------------------- |
 * | starting   | welcomed                               | running: the flow is made                         |
 * | starting   | anything else                          | ended: start() rejects                            |
 * | running    | link lost                              | waiting (stale, unless the flow had ended)        |
 * | waiting    | delay over, welcomed at the same epoch | running: resumes where it was                     |
 * | waiting    | welcomed, but it is another flow now   | replaced: whoever owns this makes it anew         |
 * | any        | close()                                | ended                                             |
 */
import { randomBytes } from 'node:crypto';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import { wallClockNs, type Clock } from '../../protocol/base/clock.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError, describeError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import {
  PROVIDER_GENERATION,
  sourceStateOf,
  type SourceState,
} from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import { readSecurity, type Security } from '../../protocol/rpc/security/options.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import { DELIVERY_DETAIL } from '../../protocol/flow/wire/frame.js';
import type { WireHello, WireWelcome } from '../../protocol/flow/wire/handshake-messages.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { DuplicatedFlow, FlowPlaces } from '../serving/duplicated-flow.js';
import { HostedFlow, type HostedParts } from '../serving/hosted-flow.js';
import { Backoff } from '../../protocol/base/backoff.js';
import type { RemoteFlowOptions } from '../options.js';
import type { PredecessorState } from '../recovery/obtain-file.js';
import type { FlowSink } from './flow-sink.js';
import {
  findRemotePredecessor,
  makeFlow,
  releaseFlow,
  resumePoint,
  type RemoteParts,
} from './remote-parts.js';
import { Serving, type ServedFlow } from './serving.js';
import { UpstreamDelivery } from './upstream-delivery.js';
import { UpstreamLink } from './upstream-link.js';

/** An attempt costs little, and what the ring holds meanwhile is not lost. */
const LINK_BACKOFF = { firstMs: 20, maxMs: 1_000 };

export class RemoteFlow extends HostedFlow implements DuplicatedFlow {
  readonly #options: RemoteFlowOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #serving: Serving;
  readonly #stopping = new AbortController();
  readonly #backoff = new Backoff(LINK_BACKOFF);
  readonly #id = randomBytes(16).toString('hex');
  #parts: RemoteParts | undefined;
  #inherited: PredecessorState;
  /** Receivers on other hosts that a killed predecessor had. */
  #remotesBefore = 0;
  #running: Promise<void> = Promise.resolve();
  #link: UpstreamLink | undefined;
  /** Where the sender is; somewhere else after it was started again. */
  #source: AddressOf<'tcp' | 'tls'>;
  /** Ends the wait for the next attempt. */
  #wake: () => void = () => undefined;
  #state: SourceState = 'starting';
  readonly #delivery: UpstreamDelivery;
  #farewell = false;
  #connections = 0;
  #receivedBytes = 0;

  constructor(options: RemoteFlowOptions, clock: Clock, log: Logger) {
    super();
    this.#options = options;
    this.#source = options.source;
    this.#clock = clock;
    this.#log = log;
    this.#delivery = new UpstreamDelivery(clock, (delivery) => this.#link?.deliver(delivery));
    this.#serving = new Serving(options.security, clock, log, () => this.#served);
  }

  /** Resolves when the other host has welcomed this one and the flow is made. */
  async start(): Promise<void> {
    const security = readSecurity(this.#options.security);
    const { secret } = security;
    if (secret === undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `${this.#options.sourceText}: a flow comes from another host with a shared secret only: give --secret-file`,
      );
    }
    const left = await findRemotePredecessor(this.#options, this.#log);
    this.#inherited = left.inherited;
    this.#delivery.expect(left.expected);
    this.#remotesBefore = left.remotes;
    await new Promise<void>((resolve, reject) => {
      this.#running = this.#run(security, secret, left.resume, resolve, reject);
    });
  }

  protected get hosted(): HostedParts | undefined {
    return this.#parts;
  }

  get sourceState(): SourceState {
    return this.#state;
  }

  get places(): FlowPlaces {
    const { file, link, imagePath } = this.#made;
    const { payloadCapacity, slotCount } = file.geometry;
    const places = { file: file.path, link, bufferSize: payloadCapacity, buffers: slotCount };
    return imagePath === undefined ? places : { ...places, image: imagePath };
  }

  get type(): string {
    return this.#made.file.identity.type;
  }

  expectAtMost(consumers: number): void {
    this.#delivery.expectAtMost(consumers + this.#remotesBefore);
    this.#parts?.host.expectAtMost(consumers);
  }

  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    return this.#serving.serve(listen);
  }

  redirect(source: AddressOf<'tcp' | 'tls'>): void {
    this.#source = source;
    this.#log.info('the source is somewhere else now', { source: formatAddress(source) });
    this.#backoff.reset();
    this.#wake();
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#delivery.granted(undefined);
    this.#serving.close();
    const parts = this.#parts;
    this.#parts = undefined;
    if (parts !== undefined) await releaseFlow(parts);
    await this.#running.catch(() => undefined);
  }

  get #made(): RemoteParts {
    if (this.#parts === undefined) throw new Error('the flow is not there yet');
    return this.#parts;
  }

  get #served(): ServedFlow | undefined {
    return this.#parts === undefined ? undefined : { ...this.#parts, history: this.#parts.history };
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Link after link, until it is closed. */
  async #run(
    security: Security,
    secret: Secret,
    left: WireHello['resume'],
    started: () => void,
    failed: (error: unknown) => void,
  ): Promise<void> {
    let resume = left;
    while (!this.#stopped) {
      try {
        await this.#linkOnce(security, secret, resume, started);
      } catch (error) {
        this.#link = undefined;
        this.#delivery.granted(undefined);
        if (this.#stopped) break;
        if (this.#parts === undefined) {
          failed(error);
          return;
        }
        this.#lost(error);
      }
      if (this.#parts !== undefined) resume = resumePoint(this.#parts.file);
      await this.#sleep(this.#backoff.next());
    }
    failed(new MirrorflowError('STOPPED', 'the flow was stopped before it was there'));
  }

  async #linkOnce(
    security: Security,
    secret: Secret,
    resume: WireHello['resume'],
    started: () => void,
  ): Promise<void> {
    const { app, flow, crc, startTimeoutMs } = this.#options;
    this.#farewell = false;
    const common = { application: app, flow, id: this.#id, crc, delivery: this.#delivery.begin() };
    const link = new UpstreamLink(
      {
        address: this.#source,
        secret,
        trust: security.trust,
        hello: resume === undefined ? common : { ...common, resume },
        withinMs: startTimeoutMs,
        clock: this.#clock,
        signal: this.#stopping.signal,
      },
      {
        welcomed: async (welcome) => {
          const sink = await this.#welcomed(welcome);
          this.#connections += 1;
          started();
          return sink;
        },
        received: (bytes) => this.#received(bytes),
      },
    );
    this.#link = link;
    await link.over;
  }

  async #welcomed(welcome: WireWelcome): Promise<FlowSink> {
    const known = this.#parts;
    const parts = known ?? (await this.#make(welcome));
    const { file } = parts;
    if (known !== undefined && file.sourceEpoch !== welcome.epoch) {
      const why = `the sequences of ${this.#options.sourceText} have begun again`;
      this.emit('replaced', why);
      throw new MirrorflowError('STOPPED', why);
    }
    if (this.#stopped) throw new MirrorflowError('STOPPED', 'the flow was stopped');
    this.#backoff.reset();
    this.#delivery.granted(welcome.delivery);
    this.#setState(welcome.state, welcome.sinceNs, welcome.generation);
    setImmediate(() => this.#delivery.settle());
    return parts.sink;
  }

  async #make(welcome: WireWelcome): Promise<RemoteParts> {
    const parts = await makeFlow(this.#options, welcome, this.#inherited, this.#clock, this.#log, {
      beforeLossless: () => this.#delivery.beforeLossless(),
      hooks: {
        state: (detail, sinceNs) => {
          const state = sourceStateOf(detail % PROVIDER_GENERATION);
          if (state !== undefined) this.#setState(state, sinceNs, Math.floor(detail / PROVIDER_GENERATION));
        },
        delivery: (detail) => this.#delivered(detail === DELIVERY_DETAIL.lossless ? 'lossless' : 'lossy'),
        farewell: () => (this.#farewell = true),
      },
    });
    const { host } = parts;
    this.follow(parts);
    host.on('lossless', (count) => this.#delivery.count(count));
    const nobodyExpected = (): void => this.#delivery.expect(0);
    // Those who find another file than they had come in about the same time as those who come back.
    if (host.awaits) host.once('complete', nobodyExpected);
    else this.#clock.after(this.#options.reattachMs, nobodyExpected, true);
    this.#parts = parts;
    return parts;
  }

  #delivered(delivery: Delivery): void {
    if (this.#delivery.isRefused(delivery))
      this.#log.warn('the other host sends without waiting for this one: buffers may be lost', {
        source: this.#options.sourceText,
      });
    this.#delivery.granted(delivery);
  }

  #lost(error: unknown): void {
    const cause =
      error instanceof MirrorflowError
        ? error
        : new MirrorflowError('SYSTEM_ERROR', describeError(error), {}, error);
    // A flow that has ended stays what it is: there is nothing to be had that is not here.
    if (this.#farewell && this.#state === 'ended') return;
    this.#setState('stale', Number(wallClockNs()), this.#made.host.generation, cause);
  }

  #setState(state: SourceState, sinceNs: number, generation: number, cause?: MirrorflowError): void {
    const host = this.#parts?.host;
    if (host === undefined) return;
    const changed = state !== this.#state || generation !== host.generation;
    this.#state = state;
    if (!changed) return;
    host.setSourceState(state, sinceNs, generation);
    this.emit('state', state, cause);
  }

  #received(bytes: number): void {
    this.#receivedBytes += bytes;
    const parts = this.#parts;
    if (parts === undefined) return;
    const { file, sink } = parts;
    file.setCounter(COUNTERS.receivedBytes.id, this.#receivedBytes);
    file.setCounter(COUNTERS.published.id, file.published);
    file.setCounter(COUNTERS.gaps.id, sink.gaps);
    file.setCounter(COUNTERS.missing.id, sink.missing);
    file.setCounter(COUNTERS.connections.id, this.#connections);
  }

  async #sleep(delayMs: number): Promise<void> {
    if (this.#stopped) return;
    const { signal } = this.#stopping;
    await new Promise<void>((resolve) => {
      const over = (): void => {
        cancel();
        signal.removeEventListener('abort', over);
        resolve();
      };
      const cancel = this.#clock.after(delayMs, over);
      this.#wake = over;
      signal.addEventListener('abort', over, { once: true });
    });
  }
}
