/**
 * Keeps a link to the duplicator that sends a flow: one UpstreamLink after the other, with backoff
 * (growing delays) in between, at an address that may change. Owned by RemoteFlow, which creates
 * the flow file that the links fill. Opens sockets through UpstreamLink.
 *
 * | state      | event                             | next                                 |
 * | ---------- | --------------------------------- | ------------------------------------ |
 * | connecting | welcomed                          | linked: run() reports `started`      |
 * | connecting | failed, and none was ever welcomed | ended: run() reports `failed`       |
 * | connecting | failed                            | waiting                              |
 * | linked     | link lost                         | waiting                              |
 * | waiting    | delay over, or redirect()         | connecting                           |
 * | any        | stop()                            | ended                                |
 */
import { randomBytes } from 'node:crypto';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import { Backoff } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Security } from '../../protocol/rpc/security/options.js';
import type { Secret } from '../../protocol/rpc/security/secret.js';
import type { WireHello } from '../../protocol/flow/wire/handshake-messages.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { SiteAddress } from '../../protocol/nats/site-address.js';
import type { RemoteFlowOptions } from '../options.js';
import type { StreamPosition } from './nats/nats-receiver.js';
import { UpstreamLink, type UpstreamLinkHooks } from './upstream-link.js';

/** An attempt costs little, and meanwhile the sender's ring keeps what it can. */
const LINK_BACKOFF = { firstMs: 20, maxMs: 1_000 };

/** A link of either kind. */
interface SenderLink {
  /** Rejects with the cause when the link has ended; never resolves. */
  readonly over: Promise<never>;
  deliver(delivery: Delivery): void;
}

export interface ConnectorHooks extends UpstreamLinkHooks {
  /** What the next link requests of the sender; called before each link. */
  request(): Pick<WireHello, 'delivery' | 'resume'>;
  /** A link was lost, or could not be made after an earlier one. */
  lost(error: unknown): void;
}

export class UpstreamConnector {
  readonly #options: RemoteFlowOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #hooks: ConnectorHooks;
  /** Identifies this process to the sender, which keeps its place over cuts. */
  readonly #id = randomBytes(16).toString('hex');
  readonly #stopping = new AbortController();
  readonly #wait: InterruptibleWait;
  readonly #backoff = new Backoff(LINK_BACKOFF);
  #source: AddressOf<'tcp' | 'tls'> | SiteAddress;
  #link: SenderLink | undefined;
  /** Where a link over NATS continues. */
  readonly #position: StreamPosition = { epoch: 0, anchor: 0 };
  /** Links that were welcomed. */
  #connections = 0;

  constructor(options: RemoteFlowOptions, clock: Clock, log: Logger, hooks: ConnectorHooks) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#hooks = hooks;
    this.#source = options.source;
    this.#wait = new InterruptibleWait(clock, this.#stopping.signal);
  }

  get stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  get connections(): number {
    return this.#connections;
  }

  /**
   * Makes link after link until `stop`, then resolves. `started` is called when the first one is
   * welcomed, `failed` with the cause when it cannot be made, with STOPPED when stopped before.
   */
  async run(
    security: Security,
    secret: Secret | undefined,
    started: () => void,
    failed: (error: unknown) => void,
  ): Promise<void> {
    while (!this.stopped) {
      try {
        this.#link = await this.#connect(security, secret, started);
        await this.#link.over;
      } catch (error) {
        this.#link = undefined;
        if (this.stopped) break;
        if (this.#connections === 0) {
          failed(error);
          return;
        }
        this.#hooks.lost(error);
      }
      await this.#wait.wait(this.#backoff.next());
    }
    failed(new MirrorflowError('STOPPED', 'the flow was stopped before its sender welcomed it'));
  }

  /** Requests another delivery where there is a link. */
  deliver(delivery: Delivery): void {
    this.#link?.deliver(delivery);
  }

  /** The sender listens at `address` from now on; the next link is made there, at once. */
  redirect(address: AddressOf<'tcp' | 'tls'>): void {
    this.#source = address;
    this.#log.info('the source has a new address', { source: formatAddress(address) });
    this.#backoff.reset();
    this.#wait.wake();
  }

  /** Closes the link and ends `run`. Idempotent. */
  stop(): void {
    this.#stopping.abort();
  }

  async #connect(security: Security, secret: Secret | undefined, started: () => void): Promise<SenderLink> {
    const { app, flow, crc, integrity, startTimeoutMs } = this.#options;
    const hello = { application: app, flow, id: this.#id, crc, integrity, ...this.#hooks.request() };
    const source = this.#source;
    const common = {
      hello,
      withinMs: startTimeoutMs,
      clock: this.#clock,
      signal: this.#stopping.signal,
    };
    const hooks: UpstreamLinkHooks = {
      welcomed: async (welcome) => {
        const sink = await this.#hooks.welcomed(welcome);
        this.#connections += 1;
        this.#backoff.reset();
        started();
        return sink;
      },
      received: (bytes) => this.#hooks.received(bytes),
    };
    if ('server' in source) {
      const { readPublishingSite } = await import('../../protocol/nats/publishing-site.js');
      const { NatsLink } = await import('./nats/nats-link.js');
      const position = this.#position;
      const from = readPublishingSite(source, this.#options.directory);
      return new NatsLink({ ...common, source: from, position, log: this.#log }, hooks);
    }
    if (secret === undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `${this.#options.sourceText}: a flow of another host needs a shared secret: give --secret-file`,
      );
    }
    return new UpstreamLink({ ...common, address: source, secret, security }, hooks);
  }
}
