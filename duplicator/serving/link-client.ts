/**
 * One client on a flow's signal link (the local socket over which a flow's processes exchange
 * counts): what its HELLO said, and the messages that every client gets. Made by LinkProtocol for
 * each connection. Sends on its connection and logs; touches nothing else.
 */
import type { DuplicatorStatistics } from '../../protocol/rpc/contract/statistics.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import type { Logger } from '../../protocol/base/log.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, packRefusal, type Hello } from '../../protocol/flow/signal-link/messages.js';
import type { LinkRefusal } from '../../protocol/flow/signal-link/refusals.js';
import type { Consumer } from './consumer-registry.js';
import type { PresenceEntry } from '../recovery/consumer-presence.js';

export class LinkClient {
  readonly id: number;
  readonly link: LinkConnection;
  /** It has connected to a socket that only providers may use. */
  readonly mayProvide: boolean;
  /** Undefined for a provider, an observer, and a consumer that is not admitted yet. */
  consumer: Consumer | undefined;
  /** Undefined before HELLO. */
  hello: Hello | undefined;
  /** Number that the client sent in its HELLO; the app server identifies the client by it. */
  name = 0;
  /** Process id of the client; 0 when its HELLO had none. */
  pid = 0;
  /** Entry of a lossless consumer in the flow file's presence table. */
  presence: PresenceEntry | undefined;
  readonly #log: Logger;

  constructor(id: number, link: LinkConnection, mayProvide: boolean, log: Logger) {
    this.id = id;
    this.link = link;
    this.mayProvide = mayProvide;
    this.#log = log;
  }

  /** Accepts the HELLO. `first`: the first sequence that the client gets. */
  welcome(file: FlowFile, hello: Hello, first: number): void {
    this.link.signal(MessageKind.WELCOME, file.epoch, packHello(hello));
    this.link.signal(MessageKind.BEGIN, first);
  }

  /** Sends REFUSED with the code, logs the message, and closes the connection. */
  refuse(code: LinkRefusal, message: string): void {
    this.link.signal(MessageKind.REFUSED, 0, packRefusal(code));
    this.#log.warn('a client was refused', { code, reason: message });
    this.link.close();
  }

  /**
   * For the app server's statistics; undefined before HELLO. `blocking`: the consumers that hold
   * the writer back.
   */
  progress(
    published: number,
    blocking: ReadonlySet<Consumer>,
  ): DuplicatorStatistics['links'][number] | undefined {
    const { consumer, hello, name } = this;
    if (hello === undefined) return undefined;
    if (consumer === undefined) return { client: name, role: hello.role, holding: false };
    const { delivery, paused, acknowledged } = consumer;
    const lag = Math.max(0, published - acknowledged);
    const holding = blocking.has(consumer);
    return { client: name, role: hello.role, delivery, paused, acknowledged, lag, holding };
  }
}
