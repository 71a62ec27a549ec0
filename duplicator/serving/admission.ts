/**
 * How a client of the signal link comes to a flow: its HELLO is understood or refused, a provider
 * takes its seat, a consumer begins where it asks and where the ring still has what it is to get.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { LINK_VERSION, unpackHello, type Hello } from '../../protocol/flow/signal-link/messages.js';
import type { Consumer, ConsumerRegistry, Delivery } from './consumer-registry.js';
import type { LinkClient } from './link-client.js';
import type { ReattachmentTracker } from '../recovery/reattachment-tracker.js';
import type { WriterCredit } from './writer-credit.js';

const EPOCH_LOW = 2 ** 32;

/** What the flow's host has to say and to hear. */
export interface AdmissionDependencies {
  readonly file: FlowFile;
  readonly registry: ConsumerRegistry;
  readonly credit: WriterCredit;
  readonly returns: ReattachmentTracker;
  /** Slots beyond the published ones that the writer may count on before it opens them. */
  readonly openSlots: number;
  /** How far consumers were told. */
  published(): number;
  /** Of the provider that is there, or was last. */
  generation(): number;
  /** Resolves when a lossless consumer can be admitted; undefined when that is now. */
  beforeLossless(): Promise<void> | undefined;
  isThere(client: LinkClient): boolean;
  /** A provider has its seat. */
  seated(): void;
  /** Its HELLO was understood. */
  greeted(hello: Hello): void;
  /** There is one consumer more; it is not welcomed yet. */
  counted(): void;
  admitted(client: LinkClient, consumer: Consumer): void;
}

export class Admission {
  readonly #flow: AdmissionDependencies;

  constructor(surroundings: AdmissionDependencies) {
    this.#flow = surroundings;
  }

  /** HELLO. False when the client was refused. */
  hello(client: LinkClient, detail: number): boolean {
    const hello = unpackHello(detail);
    if (hello === undefined || client.hello !== undefined) {
      client.refuse('BAD_MESSAGE', 'a client sent a HELLO that cannot be understood, or a second one');
      return false;
    }
    if (hello.version !== LINK_VERSION) {
      const message = `a client speaks version ${hello.version} of the signal link, this duplicator version ${LINK_VERSION}`;
      client.refuse('VERSION_MISMATCH', message);
      return false;
    }
    if (hello.role === 'provider' && !this.#seatProvider(client, hello)) return false;
    client.hello = hello;
    this.#flow.greeted(hello);
    if (hello.role === 'observer') this.#welcome(client, hello, this.#flow.published());
    else if (hello.role === 'consumer' && hello.start !== 'sequence')
      this.#whenHeld(client, hello, () =>
        this.#admit(
          client,
          hello,
          hello.start === 'oldest' ? this.oldest(hello.delivery) : this.#flow.file.published,
        ),
      );
    return true;
  }

  /**
   * START. `epochLow`: low half of the epoch the sequence was counted in; 0 when the client means
   * the present one.
   */
  start(client: LinkClient, sequence: number, epochLow: number): void {
    const { hello } = client;
    if (hello === undefined || hello.start !== 'sequence' || client.consumer !== undefined) {
      client.refuse('BAD_MESSAGE', 'a client sent a START that nothing asked for');
      return;
    }
    this.#whenHeld(client, hello, () => this.#startAt(client, hello, sequence, epochLow));
  }

  /**
   * The oldest sequence from `wanted` on whose slot the writer has not opened, and for a lossless
   * consumer will not open without credit. What is held for one who comes back is there to the last
   * slot: the writer, at the end of its credit, waits for that very slot.
   */
  oldest(delivery: Delivery, wanted = 0): number {
    const { file, openSlots, credit } = this.#flow;
    const lossless = delivery === 'lossless';
    if (credit.seat !== undefined) return credit.seat.oldest(wanted, lossless);
    const published = this.#flow.published();
    const ring = published - file.geometry.slotCount;
    const sure = ring + (lossless ? openSlots : Math.max(1, openSlots));
    let oldest = Math.max(0, wanted, ring, Math.min(sure, credit.neededFrom));
    // What was lost on the way from another host is no buffer to begin with.
    while (oldest < published && !file.holds(oldest)) oldest += 1;
    return oldest;
  }

  #seatProvider(client: LinkClient, hello: Hello): boolean {
    const { seat } = this.#flow.credit;
    if (seat === undefined) {
      client.refuse('REFUSED', 'a client wanted to provide a flow that is filled from a source');
      return false;
    }
    if (seat.take(client.link, hello)) {
      this.#flow.seated();
      return true;
    }
    client.refuse('FLOW_BUSY', 'a second provider wanted to join');
    return false;
  }

  /**
   * Admits a lossless consumer when what comes from another host is not left out any more,
   * everybody else at once.
   */
  #whenHeld(client: LinkClient, { delivery }: Hello, admit: () => void): void {
    const held = delivery === 'lossless' ? this.#flow.beforeLossless() : undefined;
    if (held === undefined) admit();
    else
      void held.then(() => {
        if (client.consumer === undefined && this.#flow.isThere(client)) admit();
      });
  }

  #startAt(client: LinkClient, hello: Hello, sequence: number, epochLow: number): void {
    const { file } = this.#flow;
    const comparable = epochLow === 0 || epochLow === file.epoch % EPOCH_LOW;
    // The file knows better than this process what was published: a provider needs no duplicator to
    // publish.
    const wanted = comparable ? Math.min(sequence, file.published) : 0;
    const returns = epochLow !== 0 && comparable;
    this.#admit(client, hello, Math.max(wanted, this.oldest(hello.delivery, wanted)), returns);
  }

  /** `returns`: it was in this epoch of the flow before. */
  #admit(client: LinkClient, hello: Hello, first: number, returns = false): void {
    const consumer = this.#flow.registry.add(client.id, hello.delivery, first);
    client.consumer = consumer;
    this.#flow.counted();
    if (hello.delivery === 'lossless') {
      client.attendant = this.#flow.returns.enter(client.pid, returns);
      if (client.attendant.awaited) this.#flow.counted();
    }
    this.#welcome(client, hello, first);
    this.#flow.admitted(client, consumer);
  }

  #welcome(client: LinkClient, hello: Hello, first: number): void {
    client.welcome(this.#flow.file, hello, first, this.#flow.generation());
  }
}
