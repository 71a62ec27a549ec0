/**
 * Admits clients of the signal link to one flow: checks a HELLO, gives a provider the claim, and
 * finds the sequence at which a consumer begins. Called by LinkProtocol for HELLO and START
 * messages. Reads the flow file and answers on the client's connection.
 */
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { LINK_VERSION, unpackHello, type Hello } from '../../protocol/flow/signal-link/messages.js';
import type { FlowConsumers } from './flow-consumers.js';
import type { LinkClient } from './link-client.js';
import type { LinkClients } from './link-clients.js';
import type { SourceStatus } from './source-status.js';
import type { WriterCredit } from './writer-credit.js';

/** A START message contains an epoch modulo this number. */
const EPOCH_LOW_MODULUS = 2 ** 32;

/**
 * Called before a lossless consumer is admitted: resolves when the flow receives every buffer of
 * its source; undefined when it already does.
 */
export type BeforeLossless = () => Promise<void> | undefined;

export class Admission {
  readonly #file: FlowFile;
  readonly #clients: LinkClients;
  readonly #consumers: FlowConsumers;
  readonly #credit: WriterCredit;
  readonly #status: SourceStatus;
  readonly #beforeLossless: BeforeLossless;

  constructor(
    file: FlowFile,
    clients: LinkClients,
    consumers: FlowConsumers,
    credit: WriterCredit,
    status: SourceStatus,
    beforeLossless: BeforeLossless,
  ) {
    this.#file = file;
    this.#clients = clients;
    this.#consumers = consumers;
    this.#credit = credit;
    this.#status = status;
    this.#beforeLossless = beforeLossless;
  }

  /** Handles a HELLO. Returns false when the client was refused. */
  hello(client: LinkClient, detail: number): boolean {
    const hello = unpackHello(detail);
    if (hello === undefined || client.hello !== undefined) {
      client.refuse('BAD_MESSAGE', 'a client sent a malformed HELLO, or a second one');
      return false;
    }
    if (hello.version !== LINK_VERSION) {
      const message = `a client uses version ${hello.version} of the signal link, this duplicator version ${LINK_VERSION}`;
      client.refuse('VERSION_MISMATCH', message);
      return false;
    }
    const awaitsStart = hello.role === 'provider' && hello.start === 'sequence';
    if (hello.role === 'provider' && !awaitsStart && !this.#claim(client, hello)) return false;
    this.#clients.greet(client, hello);
    if (hello.role === 'observer') this.#welcome(client, hello, this.#file.published);
    else if (hello.role === 'consumer' && hello.start !== 'sequence') {
      this.#whenPossible(client, hello, () => {
        const credit = this.#credit;
        const isOldest = hello.start === 'oldest';
        const first = isOldest ? credit.oldest(hello.delivery, credit.providerFirst) : this.#file.published;
        this.#admit(client, hello, first);
      });
    }
    return true;
  }

  /**
   * Handles a START. `epochLow`: low 32 bits of the epoch in which the client counted the sequence;
   * 0 when it means the present epoch. Every new flow file has an epoch of its own. Of a provider
   * that reattaches `sequence` is its generation. Returns true when the client is the provider now.
   */
  start(client: LinkClient, sequence: number, epochLow: number): boolean {
    const { hello } = client;
    if (hello === undefined || hello.start !== 'sequence' || client.consumer !== undefined) {
      client.refuse('BAD_MESSAGE', 'a client sent a START without a HELLO that announces it');
      return false;
    }
    if (hello.role === 'provider') {
      if (this.#credit.claim?.isHeldBy(client.link) === true) {
        client.refuse('BAD_MESSAGE', 'a provider sent a second START');
        return false;
      }
      return this.#claim(client, hello, this.#isEpoch(epochLow) ? sequence : undefined);
    }
    this.#whenPossible(client, hello, () => this.#startAt(client, hello, sequence, epochLow));
    return false;
  }

  #claim(client: LinkClient, hello: Hello, resumed?: number): boolean {
    const { claim } = this.#credit;
    if (claim === undefined) {
      client.refuse('REFUSED', 'a client asked to provide a flow that a source fills');
      return false;
    }
    if (!client.mayProvide) {
      client.refuse('NOT_PERMITTED', 'a client asked to provide a flow on the socket for consumers');
      return false;
    }
    if (claim.take(client.link, hello, resumed, this.#consumers.registry.furthest())) return true;
    client.refuse('FLOW_BUSY', 'a client asked to provide a flow that has a provider');
    return false;
  }

  /** Lossless consumers wait until the source sends every buffer; others are admitted at once. */
  #whenPossible(client: LinkClient, { delivery }: Hello, admit: () => void): void {
    const possible = delivery === 'lossless' ? this.#beforeLossless() : undefined;
    if (possible === undefined) admit();
    else
      void possible.then(() => {
        if (client.consumer === undefined && this.#clients.get(client.id) === client) admit();
      });
  }

  #startAt(client: LinkClient, hello: Hello, sequence: number, epochLow: number): void {
    const isComparable = epochLow === 0 || this.#isEpoch(epochLow);
    const resumes = epochLow !== 0 && isComparable;
    // The file has the newest count: a provider publishes without this process.
    const { published } = this.#file;
    // It may have read more, in a file that was removed: the provider publishes that again.
    const read = resumes ? Math.max(published, this.#credit.claim?.grantedBefore ?? 0) : published;
    const requested = isComparable ? Math.min(sequence, read) : 0;
    const first = Math.max(requested, this.#credit.oldest(hello.delivery, requested, resumes));
    this.#admit(client, hello, first, resumes);
  }

  #isEpoch(epochLow: number): boolean {
    return epochLow === this.#file.epoch % EPOCH_LOW_MODULUS;
  }

  /** `resumes`: the client read this epoch of the flow before. */
  #admit(client: LinkClient, hello: Hello, first: number, resumes = false): void {
    this.#consumers.admit(client, hello.delivery, first, resumes);
    this.#welcome(client, hello, first);
    this.#clients.signal(client, this.#file.published);
  }

  #welcome(client: LinkClient, hello: Hello, first: number): void {
    client.welcome(this.#file, hello, first);
    this.#status.send(client.link);
  }
}
