/** Somebody on the signal link: what it said that it is, and what it is told. */
import type { DuplicatorFigures } from '../../protocol/rpc/contract/figures.js';
import type { ErrorCode } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { SOURCE_STATES, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import type { Logger } from '../../protocol/base/log.js';
import type { LinkConnection } from '../../protocol/flow/signal-link/link.js';
import { MessageKind, packHello, packRefusal, type Hello } from '../../protocol/flow/signal-link/messages.js';
import type { Consumer } from './consumer-registry.js';
import type { PresenceEntry } from '../recovery/consumer-presence.js';

/** How far somebody on the link is. */
export type LinkStanding = DuplicatorFigures['links'][number];

export class LinkClient {
  readonly id: number;
  readonly link: LinkConnection;
  /** Undefined for a provider, an observer, and who is not admitted yet. */
  consumer: Consumer | undefined;
  /** Undefined before HELLO. */
  hello: Hello | undefined;
  /** What it said in its HELLO, by which the app server knows it. */
  name = 0;
  /** Of its process; 0 when it did not say. */
  pid = 0;
  /** Of a lossless consumer. */
  attendant: PresenceEntry | undefined;
  readonly #log: Logger;

  constructor(id: number, link: LinkConnection, log: Logger) {
    this.id = id;
    this.link = link;
    this.#log = log;
  }

  /** Tells it where it begins, and what the source is now. */
  welcome(file: FlowFile, hello: Hello, first: number, generation: number): void {
    this.link.signal(MessageKind.WELCOME, file.epoch, packHello(hello));
    this.link.signal(MessageKind.BEGIN, first);
    this.tellState(file.sourceState, generation);
  }

  /** `generation`: of the provider that is there, or was last. */
  tellState(state: SourceState, generation: number): void {
    this.link.signal(MessageKind.STATUS, generation, SOURCE_STATES[state]);
  }

  /** Says why, and ends the connection. */
  refuse(code: ErrorCode, message: string): void {
    this.link.signal(MessageKind.REFUSED, 0, packRefusal(code));
    this.#log.warn('a client was refused', { code, reason: message });
    this.link.close();
  }
}

/** Everybody who said HELLO; `holding`: the consumers without whom the writer cannot go on. */
export function standingsOf(
  clients: Iterable<LinkClient>,
  published: number,
  holding: ReadonlySet<Consumer>,
): LinkStanding[] {
  const standings: LinkStanding[] = [];
  for (const { consumer, hello, name } of clients) {
    if (hello === undefined) continue;
    const common = { client: name, role: hello.role };
    if (consumer === undefined) standings.push({ ...common, holding: false });
    else {
      const { delivery, paused, acknowledged } = consumer;
      const lag = Math.max(0, published - acknowledged);
      standings.push({ ...common, delivery, paused, acknowledged, lag, holding: holding.has(consumer) });
    }
  }
  return standings;
}
