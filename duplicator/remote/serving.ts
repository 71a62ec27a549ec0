/**
 * Whether and where a flow is served to duplicators of other hosts, and the welcome of those who
 * have proved themselves.
 */
import type { Socket } from 'node:net';
import { formatAddress, type AddressOf } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { Served } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { COUNTERS } from '../../protocol/flow/flow-file/counters.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Logger } from '../../protocol/base/log.js';
import { readSecurity, type SecurityFiles } from '../../protocol/rpc/security/options.js';
import { encodeWelcome, type WireHello } from '../../protocol/flow/wire/handshake-messages.js';
import type { FlowHost } from '../serving/flow-host.js';
import type { BlockHistory } from '../../protocol/flow/wire/block-history.js';
import { BufferSender } from './buffer-sender.js';
import type { FlowSender } from './flow-sender.js';
import { RemoteListener } from './listener.js';
import { MirrorSender } from './mirror-sender.js';
import { ServingConnection } from './serving-connection.js';

/** Hosts that may receive a flow from one duplicator; more form a tree. */
const RECEIVERS_MAX = 256;

/** The flow that is served. */
export interface ServedFlow {
  readonly file: FlowFile;
  readonly host: FlowHost;
  /** A mirror's. */
  readonly history: BlockHistory | undefined;
}

export class Serving {
  readonly #files: SecurityFiles;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #flow: () => ServedFlow | undefined;
  #served: Promise<Served> | undefined;
  #listener: RemoteListener | undefined;
  /** On all connections. */
  #sentBytes = 0;

  /** `flow`: undefined while it is not there. */
  constructor(files: SecurityFiles, clock: Clock, log: Logger, flow: () => ServedFlow | undefined) {
    this.#files = files;
    this.#clock = clock;
    this.#log = log;
    this.#flow = flow;
  }

  /**
   * The first call that succeeds decides where; REFUSED without a secret, BAD_OPTION for TLS
   * without a certificate.
   */
  serve(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    if (this.#served !== undefined) return this.#served;
    const serving = this.#listen(listen);
    this.#served = serving;
    serving.catch(() => (this.#served = undefined));
    return serving;
  }

  /** Nobody new is let in; who is there is the flow host's to close. Idempotent. */
  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
  }

  async #listen(listen: AddressOf<'tcp' | 'tls'>): Promise<Served> {
    const security = readSecurity(this.#files);
    const flow = this.#flow();
    if (security.secret === undefined || flow === undefined) {
      throw new MirrorflowError(
        'REFUSED',
        'a flow is not served to other hosts without a shared secret: give --secret-file',
      );
    }
    const listener = new RemoteListener(security, security.secret, this.#clock, this.#log, (...connection) =>
      this.#welcome(...connection),
    );
    const address = formatAddress(await listener.listen(listen));
    this.#listener = listener;
    this.#log.info('serving other hosts', { address });
    return { address, epoch: flow.file.epoch };
  }

  async #welcome(
    socket: Socket,
    peer: string,
    hello: WireHello,
    rest: Buffer,
  ): Promise<MirrorflowError | undefined> {
    const known = this.#flow();
    const asked = { application: hello.application, flow: hello.flow };
    if (known?.file.identity.application !== hello.application || known.file.identity.flow !== hello.flow)
      return new MirrorflowError(
        'UNKNOWN_FLOW',
        `${hello.application}/${hello.flow} is not what is served here`,
        asked,
      );
    if (known.host.remotes.size >= RECEIVERS_MAX)
      return new MirrorflowError(
        'LIMIT_REACHED',
        `${RECEIVERS_MAX} hosts receive this flow from here already`,
        asked,
      );
    if (hello.delivery === 'lossless') await known.host.beforeLossless();
    if (this.#flow()?.file !== known.file) return new MirrorflowError('CLOSED', 'the flow has ended', asked);
    if (socket.destroyed) return undefined;
    this.#admit(known, socket, peer, hello, rest);
    return undefined;
  }

  #admit(
    { file, host, history }: ServedFlow,
    socket: Socket,
    peer: string,
    hello: WireHello,
    rest: Buffer,
  ): void {
    let counted = 0;
    const count = (): void => {
      this.#sentBytes += connection.sentBytes - counted;
      counted = connection.sentBytes;
      file.setCounter(COUNTERS.sentBytes.id, this.#sentBytes);
    };
    const connection = new ServingConnection(socket, peer, file, this.#clock, {
      beforeLossless: () => host.beforeLossless(),
      ended: (why) => {
        count();
        if (why === undefined) this.#log.info('a duplicator of another host has left', { peer });
        else this.#log.warn('the link to a duplicator of another host was lost', { peer, reason: why });
      },
    });
    const resume = hello.resume?.epoch === file.epoch ? hello.resume.sequence : undefined;
    const place = host.remotes.join({ id: hello.id, delivery: hello.delivery, resume }, connection);
    const { consumer } = place;
    const options = {
      crc: hello.crc,
      isLossless: () => consumer.delivery === 'lossless',
      acknowledged: () => consumer.acknowledged,
      flushed: () => {
        count();
        connection.flushed();
      },
      restarted: () => connection.restarted(),
    };
    const first = consumer.acknowledged;
    const has = Math.min(resume ?? 0, file.published);
    const next = consumer.delivery === 'lossless' ? Math.max(first, has) : has;
    const sender: FlowSender =
      history === undefined
        ? new BufferSender(file, socket, first, options)
        : new MirrorSender(file, history, socket, { has, next }, options);
    socket.write(this.#welcomeOf(file, history, consumer.delivery, first));
    this.#log.info('a duplicator of another host receives the flow', {
      peer,
      delivery: consumer.delivery,
      first,
    });
    connection.begin(place, sender, rest);
  }

  #welcomeOf(
    file: FlowFile,
    history: BlockHistory | undefined,
    delivery: 'lossless' | 'lossy',
    first: number,
  ): Buffer {
    const { identity, geometry, provider, sourceStateSinceNs } = file;
    return encodeWelcome({
      epoch: file.epoch,
      first,
      delivery,
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
}
