/**
 * One link to the publisher of a flow at another site, over a NATS server: connects, subscribes to
 * what is published, reads the newest description from the stream, and hands the flow to a
 * NatsReceiver. Made again and again by UpstreamConnector, like UpstreamLink. Owns its connection.
 *
 * | phase      | event                                        | next                               |
 * | ---------- | -------------------------------------------- | ---------------------------------- |
 * | connecting | connected                                    | asking                             |
 * | asking     | a description, stored or live                | the flow is made, then receiving   |
 * | receiving  | live messages                                | receiving                          |
 * | any        | cut, silence of the publisher, other epoch, close() | ended: `over` rejects with the cause |
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../../../protocol/base/errors.js';
import type { Logger } from '../../../protocol/base/log.js';
import { RateLimitedLog } from '../../../protocol/base/rate-limited-log.js';
import type { WireHello, WireWelcome } from '../../../protocol/flow/wire/handshake-messages.js';
import { formatNatsAddress } from '../../../protocol/nats/address.js';
import { connectNats } from '../../../protocol/nats/connection.js';
import { flowChannels, type FlowChannels } from '../../../protocol/nats/flow-channels.js';
import { DESCRIPTION_SILENCE_MS } from '../../../protocol/nats/flow-description.js';
import { decodeParcel, type Parcel } from '../../../protocol/nats/parcel.js';
import { apiPrefix, asBuffer, lastStored, type StreamPlace } from '../../../protocol/nats/stream-place.js';
import {
  describedIn,
  type Described as DescribedFlow,
  type PublishingSite,
} from '../../../protocol/nats/publishing-site.js';
import { NatsSubjects } from '../../../protocol/nats/subjects.js';
import type { Delivery } from '../../serving/consumer-registry.js';
import type { UpstreamLinkHooks } from '../upstream-link.js';
import { ReceiverReports } from './receiver-reports.js';
import { LIVE_WAITING_BYTES_MAX, NatsReceiver, type StreamPosition } from './nats-receiver.js';
import { findAnchor } from './stream-search.js';

export interface NatsLinkOptions {
  readonly source: PublishingSite;
  readonly hello: WireHello;
  /** Longest time for connection and description together, milliseconds. */
  readonly withinMs: number;
  /** Kept from link to link. */
  readonly position: StreamPosition;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes the link. */
  readonly signal: AbortSignal;
}

/** A description as it was received. */
interface Described extends DescribedFlow {
  /** Whether its publisher was there a moment ago. */
  readonly isFresh: boolean;
}

export class NatsLink {
  readonly #options: NatsLinkOptions;
  readonly #hooks: UpstreamLinkHooks;
  readonly #subjects: NatsSubjects;
  readonly #channels: FlowChannels;
  readonly #reportEnd: (error: MirrorflowError) => void;
  readonly #cancelDeadline: () => void;
  readonly #abort = (): void => this.close();
  #cancelSilence: () => void = () => undefined;
  #connection: NatsConnection | undefined;
  #receiver: NatsReceiver | undefined;
  #reports: ReceiverReports | undefined;
  /** Live messages that arrive before there is a receiver. */
  readonly #early: { readonly subject: string; readonly payload: Buffer }[] = [];
  #earlyBytes = 0;
  #describedLive: (described: Described) => void = () => undefined;
  readonly #refused: RateLimitedLog;
  /** The publisher leaves out what it is too slow for. */
  #skips = false;
  #ended = false;
  /** Rejects with the cause when the link has ended; never resolves. */
  readonly over: Promise<never>;

  constructor(options: NatsLinkOptions, hooks: UpstreamLinkHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#refused = new RateLimitedLog(options.clock, options.log);
    const { source, hello, clock, signal, withinMs } = options;
    this.#subjects = new NatsSubjects(source.access.address.prefix, source.from);
    this.#channels = flowChannels(this.#subjects, hello.application, hello.flow);
    const ending: { reject: (error: MirrorflowError) => void } = { reject: () => undefined };
    this.over = new Promise((_, reject) => (ending.reject = reject));
    this.#reportEnd = ending.reject;
    this.over.catch(() => undefined);
    this.#cancelDeadline = clock.after(withinMs, () =>
      this.#lose(`site ${source.from} published no description of ${hello.flow} within ${withinMs} ms`),
    );
    if (signal.aborted) this.close();
    else {
      signal.addEventListener('abort', this.#abort, { once: true });
      void this.#run();
    }
  }

  /** Only of a flow that is published `lossless` the publisher waits for this host. */
  deliver(delivery: Delivery): void {
    this.#reports?.deliver(delivery);
    setImmediate(() => this.#receiver?.grant(this.#skips ? 'lossy' : delivery));
  }

  /** Idempotent. */
  close(): void {
    this.#reports?.deliver('lossy');
    this.#lose('the link was closed here');
  }

  async #run(): Promise<void> {
    const { source, hello } = this.#options;
    try {
      const { access } = source;
      const connection = await connectNats(
        access,
        `mirrorflow ${access.site} ${hello.application}/${hello.flow}`,
      );
      if (this.#ended) {
        await connection.close();
        return;
      }
      this.#connection = connection;
      void this.#watch(connection);
      for (const subject of [this.#channels.live, this.#channels.passing]) {
        connection.subscribe(subject, {
          callback: (error, message) => {
            if (error === null) this.#liveMessage(message.subject, asBuffer(message.data));
            else this.#lose(describeError(error), error);
          },
        });
      }
      await this.#receive(connection);
    } catch (thrown) {
      this.#fail(
        thrown instanceof MirrorflowError
          ? thrown
          : new MirrorflowError('SOURCE_UNREACHABLE', describeError(thrown), {}, thrown),
      );
    }
  }

  /** A cut ends the link: the next one reads what was missed from the stream. */
  async #watch(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection' || status.type === 'close')
        this.#lose('the connection to the server was lost');
      if (status.type === 'error') this.#options.log.warn('NATS reported an error', { cause: status.error });
    }
  }

  async #receive(connection: NatsConnection): Promise<void> {
    const { source, position, clock, log, hello } = this.#options;
    const place: StreamPlace = {
      connection,
      apiPrefix: apiPrefix(source.domain),
      stream: this.#subjects.stream,
    };
    const { described, key } = await this.#ask(place);
    const { flow, wan } = described.description;
    if (source.seals.verifies && flow.epoch < position.epoch) {
      this.#lose(
        'what it publishes is of an earlier epoch than what was received: a server repeats it, or the clock there was set back; stop the flow here and open it again',
      );
      return;
    }
    const { resume } = hello;
    const has = resume !== undefined && resume.epoch === flow.epoch ? resume.sequence : undefined;
    const knowsPosition = position.epoch === flow.epoch;
    const begin =
      knowsPosition || flow.mirror || has === undefined || has >= described.parcel.next
        ? position.anchor
        : await this.#search(place, described.parcel, has);
    const { address, site } = source.access;
    const { prefix } = address;
    const sink = await this.#hooks.welcomed(welcomeFor(described, hello.delivery));
    this.#cancelDeadline();
    if (this.#ended) return;
    const isMirror = flow.mirror;
    const isStored = isMirror || wan !== 'lossy';
    this.#skips = wan === 'lossy';
    const first = has ?? (isMirror ? 0 : described.parcel.next);
    const options = {
      stream: {
        place,
        inboxPrefix: new NatsSubjects(prefix, site).inbox,
        filter: this.#channels.kept,
        clock,
      },
      epoch: flow.epoch,
      isMirror,
      isStored,
      position,
      open: (subject: string, payload: Buffer) => this.#open(subject, payload),
      ignoresEarlier: source.seals.verifies,
      log,
    };
    const receiver = new NatsReceiver(options, sink, first, {
      received: (bytes) => {
        this.#hooks.received(bytes);
        this.#reports?.received(receiver.next);
      },
      violated: (problem) => this.#lose(problem, undefined, 'SOURCE_PROTOCOL'),
      restarted: () => this.#lose('its sequences started again'),
    });
    this.#receiver = receiver;
    if (wan === 'lossless')
      this.#reports = new ReceiverReports(
        { connection, subject: this.#reportSubject(), seals: source.seals },
        hello,
        flow.epoch,
        clock,
      );
    if (!isStored) {
      // Nothing could be read.
    } else if (isMirror && (first === 0 || !knowsPosition)) {
      if (key !== undefined && key.epoch === flow.epoch) receiver.catchUp(key.anchor);
    } else if (described.parcel.next > first) receiver.catchUp(begin);
    if (!knowsPosition && position.epoch !== flow.epoch) {
      position.epoch = flow.epoch;
      position.anchor = described.parcel.anchor;
    }
    for (const { subject, payload } of this.#early.splice(0)) receiver.liveMessage(subject, payload);
    this.#restartSilence();
  }

  /** Where a flow is read that a predecessor of this process has received up to `next`. */
  async #search(place: StreamPlace, { epoch, anchor }: Parcel, next: number): Promise<number> {
    const open = (subject: string, payload: Buffer): Parcel | undefined => {
      const bytes = this.#open(subject, payload);
      const parcel = bytes === undefined ? undefined : decodeParcel(bytes);
      return typeof parcel === 'string' ? undefined : parcel;
    };
    const subject = this.#channels.data;
    try {
      return await findAnchor({ place, subject, epoch, next, end: anchor + 1, open });
    } catch (error) {
      this.#options.log.warn('the stream of NATS is read from its beginning', {
        cause: describeError(error),
      });
      return 0;
    }
  }

  /** The newest description, and the last parcel of the newest key frame, in one round trip. */
  async #ask(place: StreamPlace): Promise<{ described: Described; key: Parcel | undefined }> {
    const live = new Promise<Described>((resolve) => (this.#describedLive = resolve));
    const stored = Promise.all([
      lastStored(place, this.#channels.description),
      lastStored(place, this.#channels.keyEnd),
    ]).catch((error: unknown) => {
      this.#options.log.warn('the stream of NATS cannot be read', {
        stream: place.stream,
        cause: describeError(error),
      });
      return [undefined, undefined] as const;
    });
    const [description, keyEnd] = await stored;
    const keyBytes = keyEnd === undefined ? undefined : this.#open(this.#channels.keyEnd, keyEnd.payload);
    const key = keyBytes === undefined ? undefined : decodeParcel(keyBytes);
    const found =
      description === undefined
        ? undefined
        : describedIn(this.#options.source, this.#channels.description, description.payload);
    const isFresh =
      description !== undefined && Math.abs(Date.now() - description.storedMs) < DESCRIPTION_SILENCE_MS;
    const described = found === undefined ? await live : { ...found, isFresh };
    return { described, key: typeof key === 'string' ? undefined : key };
  }

  #liveMessage(subject: string, payload: Buffer): void {
    if (this.#ended) return;
    if (this.#receiver !== undefined) {
      if (this.#receiver.liveMessage(subject, payload)) this.#restartSilence();
      return;
    }
    this.#earlyBytes += payload.length;
    if (this.#earlyBytes > LIVE_WAITING_BYTES_MAX) {
      // What is dropped is read from the stream.
      this.#early.length = 0;
      this.#earlyBytes = payload.length;
    }
    this.#early.push({ subject, payload: Buffer.from(payload) });
    const described = describedIn(this.#options.source, subject, payload);
    if (described !== undefined) this.#describedLive({ ...described, isFresh: true });
  }

  /** Undefined for what the site has not published on the subject. */
  #open(subject: string, payload: Buffer): Buffer | undefined {
    const { seals, from } = this.#options.source;
    const bytes = seals.open(from, subject, payload);
    if (bytes !== undefined) return asBuffer(bytes);
    this.#refused.warn('a publication is not of its site; ignored', { site: from, subject });
    return undefined;
  }

  #reportSubject(): string {
    const { source, hello } = this.#options;
    return this.#subjects.take(hello.application, hello.flow, source.access.site, 'report');
  }

  #restartSilence(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#options.clock.after(DESCRIPTION_SILENCE_MS, () =>
      this.#lose(`nothing was published for ${DESCRIPTION_SILENCE_MS} ms`),
    );
  }

  #lose(
    reason: string,
    cause?: unknown,
    code: 'SOURCE_UNREACHABLE' | 'SOURCE_PROTOCOL' = 'SOURCE_UNREACHABLE',
  ): void {
    const { source } = this.#options;
    const address = formatNatsAddress(source.access.address);
    this.#fail(new MirrorflowError(code, `site ${source.from} at ${address}: ${reason}`, { address }, cause));
  }

  #fail(error: MirrorflowError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#receiver?.stop();
    this.#reports?.stop();
    this.#cancelDeadline();
    this.#cancelSilence();
    this.#options.signal.removeEventListener('abort', this.#abort);
    // A report that closes a place is flushed; a lost connection is given up.
    void this.#connection?.close().catch(() => undefined);
    this.#reportEnd(error);
  }
}

/** A live source whose publisher is silent is stale. */
function welcomeFor({ description, isFresh }: Described, requested: Delivery): WireWelcome {
  const { flow, wan } = description;
  const state = flow.state === 'live' && !isFresh ? 'stale' : flow.state;
  return { ...flow, state, delivery: wan === 'lossy' ? 'lossy' : requested };
}
