/**
 * The duplicator's side of the signal link's protocol: takes each client's connection, dispatches
 * its messages and notices its end, in the same turn of the event loop. Owned by FlowHost.
 *
 * | message       | from     | effect                                                              |
 * | ------------- | -------- | ------------------------------------------------------------------- |
 * | HELLO, START  | any      | admission                                                           |
 * | ACK           | consumer | the writer may get credit, the consumer the next signal             |
 * | PAUSE, RESUME | consumer | no signals in between; its credit stays held                        |
 * | PUBLISHED     | provider | consumers are signalled, the provider gets its credit               |
 * | STALL         | provider | the stall timeout of the flow while the provider is connected       |
 */
import { EventEmitter } from 'eventemitter3';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Logger } from '../../protocol/base/log.js';
import type { LinkConnection, LinkEnd } from '../../protocol/flow/signal-link/link.js';
import {
  AWAKE,
  LAST,
  MessageKind,
  UNANSWERED,
  kindName,
  missedOf,
  unpackClient,
} from '../../protocol/flow/signal-link/messages.js';
import type { Admission } from './admission.js';
import type { FlowConsumers } from './flow-consumers.js';
import { LinkClient } from './link-client.js';
import type { LinkClients } from './link-clients.js';
import type { ProviderClaim } from './provider-claim.js';
import type { WriterCredit } from './writer-credit.js';

/** Longest stall timeout that a provider may ask for: a day. */
const STALL_TIMEOUT_MAX_MS = 86_400_000;

interface LinkProtocolEvents {
  /** The provider published, or a provider joined or left: the file may have more buffers. */
  published: [];
  /** `left`: it announced its end; `died`: its link ended without that. */
  provider: [what: 'came' | 'left' | 'died'];
  /** The link of a client has ended; the file has not been touched for it yet. */
  linkEnd: [];
  /** A client was greeted or disconnected. */
  clients: [];
}

export class LinkProtocol extends EventEmitter<LinkProtocolEvents> {
  readonly #file: FlowFile;
  readonly #clients: LinkClients;
  readonly #consumers: FlowConsumers;
  readonly #credit: WriterCredit;
  readonly #admission: Admission;
  readonly #log: Logger;
  #stopped = false;

  constructor(
    file: FlowFile,
    clients: LinkClients,
    consumers: FlowConsumers,
    credit: WriterCredit,
    admission: Admission,
    log: Logger,
  ) {
    super();
    this.#file = file;
    this.#clients = clients;
    this.#consumers = consumers;
    this.#credit = credit;
    this.#admission = admission;
    this.#log = log;
  }

  /** Serves a new connection; `mayProvide`: to the socket for providers. */
  connected(link: LinkConnection, mayProvide: boolean): void {
    const client = new LinkClient(this.#consumers.registry.nextId(), link, mayProvide, this.#log);
    this.#clients.add(client);
    link.onMessage((kind, value, detail) => this.#receive(client, kind, value, detail));
    link.onClose((end) => this.#disconnected(client, end));
  }

  /** Ends that follow change nothing: a successor expects the clients of now. */
  stop(): void {
    this.#stopped = true;
  }

  #disconnected(client: LinkClient, end: LinkEnd): void {
    this.emit('linkEnd');
    if (this.#stopped) return;
    this.#clients.remove(client);
    this.#consumers.remove(client);
    if (end.by === 'failure') this.#log.warn('a client was disconnected', { error: end.error });
    if (client.hello === undefined) return;
    const claim = this.#claimOf(client);
    if (claim !== undefined) this.#providerLeaves(claim, 'died');
    this.#credit.grant();
    this.emit('clients');
  }

  #receive(client: LinkClient, kind: MessageKind, value: number, detail: number): void {
    switch (kind) {
      case MessageKind.HELLO:
        this.#hello(client, value, detail);
        return;
      case MessageKind.START:
        if (this.#admission.start(client, value, detail)) this.#providerCame();
        return;
      case MessageKind.ACK:
        this.#acknowledge(client, value, detail);
        return;
      case MessageKind.PUBLISHED:
        this.#providerPublished(client, value, detail);
        return;
      case MessageKind.STALL:
        this.#setStallTimeout(client, value);
        return;
      case MessageKind.PAUSE:
      case MessageKind.RESUME:
        this.#pause(client, kind === MessageKind.PAUSE);
        return;
      default:
        client.refuse('BAD_MESSAGE', `a client sent ${kindName(kind)}, which only a duplicator sends`);
    }
  }

  #hello(client: LinkClient, value: number, detail: number): void {
    ({ client: client.name, pid: client.pid } = unpackClient(value));
    if (!this.#admission.hello(client, detail)) return;
    if (client.hello?.role === 'provider' && client.hello.start !== 'sequence') this.#providerCame();
    this.emit('clients');
  }

  #providerCame(): void {
    this.emit('published'); // the provider may have published while there was no duplicator
    this.emit('provider', 'came');
  }

  #acknowledge(client: LinkClient, sequence: number, detail: number): void {
    // From the file: a consumer that does not wait sees what the provider has not reported yet.
    const { published } = this.#file;
    const { registry } = this.#consumers;
    const outcome = registry.acknowledge(client.id, sequence, published, (detail & AWAKE) === 0);
    if (outcome !== 'accepted') {
      const message = `a client acknowledged ${sequence} of ${published} published buffers (${outcome})`;
      client.refuse('BAD_MESSAGE', message);
      return;
    }
    if (client.consumer !== undefined) this.#consumers.rows.reportedMissed(client.consumer, missedOf(detail));
    if (client.consumer?.delivery === 'lossless') this.#credit.grant();
    this.#clients.signal(client, published);
  }

  #pause(client: LinkClient, paused: boolean): void {
    if (client.consumer === undefined) return;
    client.consumer.paused = paused;
    this.#clients.signal(client, this.#file.published);
  }

  #providerPublished(client: LinkClient, sequence: number, detail: number): void {
    const claim = this.#claimOf(client);
    if (claim?.published(sequence) !== true) {
      const message = `a client reported publications below ${sequence} without the credit for it`;
      client.refuse('BAD_MESSAGE', message);
      return;
    }
    // Also when the link stays open: the next provider may come.
    if ((detail & LAST) !== 0) return this.#providerLeaves(claim, 'left');
    this.emit('published');
    // Consumers first: they wait for the buffer, the provider only for its next turn.
    claim.answer((detail & UNANSWERED) !== 0);
    this.#credit.noteBlocked();
    this.#credit.stall.check();
  }

  #providerLeaves(claim: ProviderClaim, how: 'left' | 'died'): void {
    claim.leave();
    this.#consumers.rows.writerLeft();
    this.#credit.stall.resetTimeout();
    this.emit('published');
    this.emit('provider', how);
  }

  #setStallTimeout(client: LinkClient, timeoutMs: number): void {
    if (this.#claimOf(client) === undefined || timeoutMs > STALL_TIMEOUT_MAX_MS) {
      const message = `a client asked for a stall timeout of ${timeoutMs} ms; only the provider may, up to ${STALL_TIMEOUT_MAX_MS} ms`;
      client.refuse('BAD_MESSAGE', message);
      return;
    }
    this.#credit.stall.timeoutMs = timeoutMs;
  }

  /** The provider's claim if this client holds it. */
  #claimOf({ link }: LinkClient): ProviderClaim | undefined {
    const { claim } = this.#credit;
    return claim?.isHeldBy(link) === true ? claim : undefined;
  }
}
