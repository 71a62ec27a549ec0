/**
 * The clients that are connected to a flow's signal link, and what is sent to all of them: signals
 * to waiting consumers, the source's state to all. Owned by FlowHost, filled by LinkProtocol.
 * Sends on the clients' connections; opens and closes none.
 */
import type { DuplicatorStatistics } from '../../protocol/rpc/contract/statistics.js';
import { MessageKind, type Hello } from '../../protocol/flow/signal-link/messages.js';
import type { Consumer } from './consumer-registry.js';
import type { LinkClient } from './link-client.js';
import type { SourceStatus } from './source-status.js';

export class LinkClients {
  readonly #clients = new Map<number, LinkClient>();
  #greeted = 0;
  /** Signals sent to waiting consumers so far. */
  #signals = 0;

  /** Connected clients whose HELLO was accepted. */
  get greeted(): number {
    return this.#greeted;
  }

  /** Signals that were sent to waiting consumers so far. */
  get signals(): number {
    return this.#signals;
  }

  add(client: LinkClient): void {
    this.#clients.set(client.id, client);
  }

  /** The client's HELLO was accepted. */
  greet(client: LinkClient, hello: Hello): void {
    client.hello = hello;
    this.#greeted += 1;
  }

  /** The client's connection ended. */
  remove(client: LinkClient): void {
    this.#clients.delete(client.id);
    if (client.hello !== undefined) this.#greeted -= 1;
  }

  /** `id`: of the client or of its consumer, which are the same. */
  get(id: number): LinkClient | undefined {
    return this.#clients.get(id);
  }

  /** Number of the client on `link`, as its HELLO has it. */
  nameOf(isIt: (link: LinkClient['link']) => boolean): number | undefined {
    return [...this.#clients.values()].find(({ link }) => isIt(link))?.name;
  }

  /** The flow closes: no client is signalled or admitted any more. */
  clear(): void {
    this.#clients.clear();
  }

  /** Signals every consumer that waits. `published`: sequences below it are published. */
  published(published: number): void {
    for (const client of this.#clients.values()) this.signal(client, published);
  }

  /** Signals one consumer if it waits and has something to read. */
  signal({ link, consumer }: LinkClient, published: number): void {
    if (consumer === undefined) return;
    if (!consumer.waiting || consumer.paused || consumer.acknowledged >= published) return;
    consumer.waiting = false;
    this.#signals += 1;
    link.signal(MessageKind.PUBLISHED, published);
  }

  /** A consumer that is not admitted yet gets the state with its welcome. */
  sourceStateChanged(status: SourceStatus): void {
    for (const { hello, consumer, link } of this.#clients.values()) {
      if (hello !== undefined && (hello.role !== 'consumer' || consumer !== undefined)) status.send(link);
    }
  }

  /**
   * Progress of all clients whose HELLO was accepted. `blocking`: consumers that hold the writer
   * back.
   */
  progress(published: number, blocking: ReadonlySet<Consumer>): DuplicatorStatistics['links'] {
    const all = [...this.#clients.values()].map((client) => client.progress(published, blocking));
    return all.filter((one) => one !== undefined);
  }
}
