/**
 * The signal link between two participants in one process: messages wait until a test delivers
 * them, one at a time, so that any interleaving can be made. Like a socket that is full, a link
 * keeps of each count the message that was sent first and the newest. Used by tests of the flow
 * protocol. No I/O.
 */
import type { MessageHandler } from '../../protocol/flow/signal-link/framing.js';
import type { LinkConnection, LinkEnd, LinkServer } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';

type Message = readonly [kind: MessageKind, value: number, detail: number];

/** Kinds of which only the newest value matters. */
const COUNTS: ReadonlySet<MessageKind> = new Set([
  MessageKind.PUBLISHED,
  MessageKind.ACK,
  MessageKind.CREDIT,
]);

/** Called before each message that a link accepts. `link`: the same for both of its ends. */
type LinkObserver = (
  link: object,
  byClient: boolean,
  kind: MessageKind,
  value: number,
  detail: number,
) => void;

export class MemoryLink implements LinkConnection {
  #observe: (kind: MessageKind, value: number, detail: number) => void = () => undefined;
  #peer: MemoryLink | undefined;
  readonly #waiting: Message[] = [];
  #onMessage: MessageHandler = () => undefined;
  #onClose: (end: LinkEnd) => void = () => undefined;
  /** Which side has closed the link; undefined while it is open. */
  #closedBy: LinkEnd['by'] | undefined;
  /** The close handler was called. */
  #isCloseDelivered = false;

  /** The two ends of a link, the client's first. */
  static pair(observer: LinkObserver = () => undefined): [MemoryLink, MemoryLink] {
    const [client, server] = [new MemoryLink(), new MemoryLink()];
    client.#peer = server;
    server.#peer = client;
    client.#observe = (...message) => observer(client, true, ...message);
    server.#observe = (...message) => observer(client, false, ...message);
    return [client, server];
  }

  /** Messages that wait for this end, its end of the link included. */
  get waiting(): number {
    return this.#waiting.length + (this.#closedBy !== undefined && !this.#isCloseDelivered ? 1 : 0);
  }

  get closed(): boolean {
    return this.#closedBy !== undefined;
  }

  signal(kind: MessageKind, value: number, detail = 0): void {
    const peer = this.#peer;
    if (this.closed || peer === undefined) return;
    this.#observe(kind, value, detail);
    const inbox = peer.#waiting;
    const same = inbox.filter(([waiting]) => waiting === kind);
    if (COUNTS.has(kind) && same.length > 1) inbox.splice(inbox.lastIndexOf(same.at(-1) as Message), 1);
    inbox.push([kind, value, detail]);
  }

  onMessage(handler: MessageHandler): void {
    this.#onMessage = handler;
  }

  onClose(handler: (end: LinkEnd) => void): void {
    this.#onClose = handler;
  }

  /** Both ends handle the close behind the messages that wait. */
  close(): void {
    this.#end('us');
    if (this.#peer !== undefined) this.#peer.#end('peer');
  }

  /** As after a SIGKILL: this end handles nothing more. */
  destroy(): void {
    this.#waiting.length = 0;
    this.close();
  }

  /** Handles the next waiting message, or the end of the link. False when nothing waits. */
  deliver(): boolean {
    const message = this.#waiting.shift();
    if (message !== undefined) {
      this.#onMessage(...message);
      return true;
    }
    if (this.#closedBy === undefined || this.#isCloseDelivered) return false;
    this.#isCloseDelivered = true;
    this.#onClose(this.#closedBy === 'us' ? { by: 'us' } : { by: 'peer' });
    return true;
  }

  #end(by: 'us' | 'peer'): void {
    this.#closedBy ??= by;
  }
}

/** A server of such links, as a duplicator's FlowHost takes it. */
export class MemoryLinkServer implements LinkServer {
  readonly links: MemoryLink[] = [];
  readonly #observer: LinkObserver | undefined;
  #onConnection: (connection: LinkConnection) => void = () => undefined;

  constructor(observer?: LinkObserver) {
    this.#observer = observer;
  }

  get connectionCount(): number {
    return this.links.filter(({ closed }) => !closed).length;
  }

  async listen(): Promise<void> {
    // A test connects by `connect`.
  }

  onConnection(handler: (connection: LinkConnection) => void): void {
    this.#onConnection = handler;
  }

  /** The client's end of a new link. */
  connect(): MemoryLink {
    const [client, server] = MemoryLink.pair(this.#observer);
    this.links.push(server);
    this.#onConnection(server);
    return client;
  }

  async close(): Promise<void> {
    this.destroy();
  }

  /** Ends all links at once, as the death of the process does. */
  destroy(): void {
    for (const link of this.links) link.destroy();
  }
}
