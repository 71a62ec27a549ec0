/**
 * Serves a flow to duplicators of other hosts once it is asked to: listens, and gives each peer
 * that proved the shared secret its place in the flow, a DownstreamLink and a FlowSender. Every
 * DuplicatedFlow owns one. Opens a TCP or TLS listener.
 */
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import { encodeWelcome, type Integrity } from '../../protocol/flow/wire/handshake-messages.js';
import type { ServeResult } from '../../protocol/rpc/contract/shapes.js';
import { readSecurity } from '../../protocol/rpc/security/options.js';
import type { Delivery } from '../serving/consumer-registry.js';
import type { FlowServer, ServedFlow } from '../serving/duplicated-flow.js';
import { BufferSender } from './buffer-sender.js';
import { DownstreamLink } from './downstream-link.js';
import type { FlowSender, SenderOptions } from './flow-sender.js';
import { RemoteListener, type ProvedConnection } from './listener.js';
import { MirrorSender } from './mirror-sender.js';
import type { FrameWriter } from './frame-writer.js';
import type { CommonOptions } from '../options.js';

/** Hosts that receive a flow from one duplicator at most; more of them form a tree of relays. */
const RECEIVERS_MAX = 256;

export class RemoteServer implements FlowServer {
  readonly #options: Pick<CommonOptions, 'security' | 'integrity' | 'peers'>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #flow: () => ServedFlow | undefined;
  #served: Promise<ServeResult> | undefined;
  #listener: RemoteListener | undefined;
  #closed = false;
  /** Bytes sent on all links together. */
  #sentBytes = 0;

  /** `flow` returns undefined before the flow is created and after its end. */
  constructor(
    options: Pick<CommonOptions, 'security' | 'integrity' | 'peers'>,
    clock: Clock,
    log: Logger,
    flow: () => ServedFlow | undefined,
  ) {
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.#flow = flow;
  }

  /**
   * The first call that succeeds decides the address; later ones return its result. Rejects with
   * REFUSED without a secret, BAD_OPTION for TLS without a certificate, and what listening throws.
   */
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<ServeResult> {
    if (this.#served !== undefined) return this.#served;
    const serving = this.#listen(listen);
    this.#served = serving;
    serving.catch(() => (this.#served = undefined));
    return serving;
  }

  /** Stops listening; links that exist are closed by the flow's host. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#listener?.close();
    this.#listener = undefined;
  }

  async #listen(listen: AddressOf<'tcp' | 'tls'>): Promise<ServeResult> {
    const security = readSecurity(this.#options.security);
    const flow = this.#flow();
    if (security.secret === undefined || flow === undefined) {
      throw new MirrorflowError(
        'REFUSED',
        'a flow is not served to other hosts without a shared secret: give --secret-file',
      );
    }
    const listener = new RemoteListener(
      { security, secret: security.secret, peers: this.#options.peers },
      this.#clock,
      this.#log,
      (proved) => this.#welcome(proved),
    );
    const address = formatAddress(await listener.listen(listen));
    if (this.#closed) {
      listener.close();
      throw new MirrorflowError('CLOSED', 'the flow ended before it was served to other hosts');
    }
    this.#listener = listener;
    this.#log.info('serving other hosts', { address });
    return { address, epoch: flow.file.epoch };
  }

  async #welcome(proved: ProvedConnection): Promise<MirrorflowError | undefined> {
    const { hello, socket } = proved;
    const served = this.#flow();
    const facts = { application: hello.application, flow: hello.flow };
    const identity = served?.file.identity;
    if (served === undefined || identity?.application !== hello.application || identity.flow !== hello.flow) {
      const message = `this duplicator does not serve ${hello.application}/${hello.flow}; ask its app server for the address`;
      return new MirrorflowError('UNKNOWN_FLOW', message, facts);
    }
    if (served.host.remotes.size >= RECEIVERS_MAX) {
      const message = `${RECEIVERS_MAX} hosts receive this flow from here already; use one of them as a relay`;
      return new MirrorflowError('LIMIT_REACHED', message, facts);
    }
    if (hello.delivery === 'lossless') await served.host.beforeLossless();
    if (this.#flow()?.file !== served.file) return new MirrorflowError('CLOSED', 'the flow has ended', facts);
    if (socket.destroyed) return undefined;
    this.#subscribe(served, proved);
    return undefined;
  }

  #subscribe(served: ServedFlow, { socket, peer, hello, rest, protection }: ProvedConnection): void {
    const { file, host } = served;
    const integrity = hello.integrity === 'off' && this.#options.integrity === 'off' ? 'off' : 'on';
    let countedBytes = 0;
    const countSentBytes = (): void => {
      this.#sentBytes += link.sentBytes - countedBytes;
      countedBytes = link.sentBytes;
      file.setCounter(COUNTERS.sentBytes.id, this.#sentBytes);
    };
    const link = new DownstreamLink(
      socket,
      peer,
      file,
      integrity === 'on' ? protection : undefined,
      this.#clock,
      {
        beforeLossless: () => host.beforeLossless(),
        ended: (reason) => {
          countSentBytes();
          if (reason === undefined) this.#log.info('a duplicator of another host disconnected', { peer });
          else this.#log.warn('the link to a duplicator of another host was lost', { peer, reason });
        },
      },
    );
    const resume = hello.resume?.epoch === file.epoch ? hello.resume.sequence : undefined;
    const subscription = host.remotes.join({ id: hello.id, delivery: hello.delivery, resume }, link);
    const { consumer } = subscription;
    const options = {
      crc: hello.crc,
      isLossless: () => consumer.delivery === 'lossless',
      acknowledged: () => consumer.acknowledged,
      flushed: () => {
        countSentBytes();
        link.flushed();
      },
      restarted: () => link.restarted(),
    };
    const { delivery, acknowledged: first } = consumer;
    const sender = makeSender(served, link.writer, first, resume, options);
    const welcome = welcomeOf(served, delivery, first, integrity);
    socket.write(protection?.sealer.record(welcome) ?? welcome);
    this.#log.info('a duplicator of another host receives the flow', { peer, delivery, first });
    link.start(subscription, sender, rest);
  }
}

/** `first`: the first sequence to be sent; `resume`: the receiver has every sequence below it. */
function makeSender(
  { file, history }: ServedFlow,
  writer: FrameWriter,
  first: number,
  resume: number | undefined,
  options: SenderOptions,
): FlowSender {
  if (history === undefined) return new BufferSender(file, writer, first, options);
  const has = Math.min(resume ?? 0, file.published);
  const next = options.isLossless() ? Math.max(first, has) : has;
  return new MirrorSender(file, history, writer, { has, next }, options);
}

function welcomeOf(
  { file, history }: ServedFlow,
  delivery: Delivery,
  first: number,
  integrity: Integrity,
): Buffer {
  const { identity, geometry, provider, sourceStateSinceNs } = file;
  return encodeWelcome({
    epoch: file.epoch,
    first,
    delivery,
    integrity,
    type: identity.type,
    properties: JSON.stringify(identity.properties),
    buffers: geometry.slotCount,
    bufferSize: geometry.payloadCapacity,
    mirror: history !== undefined,
    state: provider.state,
    sinceNs: sourceStateSinceNs,
    generation: provider.generation,
  });
}
