/**
 * Flow control between the consumers and the provider of a flow. A consumer whose history fills up
 * or drains sends a mark (XOFF: pause, XON: resume); it is passed on to the provider, here or on
 * another host, and every XOFF without a later XON is kept. Called by the handlers in
 * `calls/` and when an opening ends; delivers through `clients/deliveries.ts`, does no other I/O.
 */
import type { ConsumerMark, Delivery, FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Client } from '../clients/clients.js';
import type { Deliveries } from '../clients/deliveries.js';
import type { Opening } from './openings.js';

/** Hosts that a mark may pass on its way to the provider. */
const HOPS_MAX = 8;

export interface FlowControlDependencies {
  readonly deliveries: Deliveries;
  readonly providerOf: (flow: string) => Client | undefined;
  /**
   * Delivers to the provider of a flow that comes from another host; false when there is none.
   * Never rejects.
   */
  readonly deliverElsewhere: (flow: string, delivery: Delivery, hops: number) => Promise<boolean>;
  readonly log: Logger;
}

export class FlowControl {
  readonly #dependencies: FlowControlDependencies;
  /** The last mark of a consumer, where it is an XOFF. */
  readonly #lastXoff = new Map<Opening, FlowMark>();

  constructor(dependencies: FlowControlDependencies) {
    this.#dependencies = dependencies;
  }

  /** Passes on a consumer's mark. False when the flow has no provider now. */
  passMark(opening: Opening, mark: FlowMark): Promise<boolean> {
    if (mark.kind === 'xoff') this.#lastXoff.set(opening, mark);
    else this.#lastXoff.delete(opening);
    return this.#pass(opening, mark);
  }

  /** The consumers whose last mark is an XOFF. */
  marks(flow: string): ConsumerMark[] {
    return [...this.#lastXoff]
      .filter(([opening]) => opening.flow === flow)
      .map(([{ client }, mark]) => ({ consumer: client.presentation.name, mark }));
  }

  /** Sends the XON that a consumer which has closed its flow after an XOFF will never send. */
  closed(opening: Opening): void {
    const mark = this.#lastXoff.get(opening);
    if (mark === undefined) return;
    this.#lastXoff.delete(opening);
    void this.#pass(opening, { kind: 'xon', mark: 0, total: mark.total, fill: 0 });
  }

  /** Reports to the provider that a consumer was made lossy because it held the flow back. */
  demoted(opening: Opening): void {
    const { flow, client } = opening;
    void this.deliver(flow, { kind: 'demoted', flow, from: client.presentation.name }, HOPS_MAX);
  }

  /** The app server ends, not the consumers: no XON is sent for them any more. */
  stop(): void {
    this.#lastXoff.clear();
  }

  /**
   * Delivers to the provider of a flow, on this host or over at most `hops` others. False when
   * there is no provider.
   */
  deliver(flow: string, delivery: Delivery, hops: number): Promise<boolean> {
    const { deliveries, providerOf, deliverElsewhere, log } = this.#dependencies;
    const provider = providerOf(flow);
    if (provider === undefined) {
      return hops === 0 ? Promise.resolve(false) : deliverElsewhere(flow, delivery, hops - 1);
    }
    deliveries.deliver(provider, delivery).catch((error: unknown) => {
      log.warn('a delivery to a provider failed', {
        flow,
        kind: delivery.kind,
        client: provider.presentation.name,
        error,
      });
    });
    return Promise.resolve(true);
  }

  #pass({ flow, client }: Opening, mark: FlowMark): Promise<boolean> {
    return this.deliver(flow, { kind: 'flowControl', flow, from: client.presentation.name, mark }, HOPS_MAX);
  }
}
