/**
 * Flow control between the consumers and the provider of a flow: passes marks on, and knows who has
 * said XOFF and no XON since.
 */
import type { ConsumerMark, Delivery, FlowMark } from '../../protocol/rpc/contract/deliveries.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Client } from './clients.js';
import type { Deliveries } from './deliveries.js';
import type { Opening } from '../flows/openings.js';

export interface FlowControlDependencies {
  readonly deliveries: Deliveries;
  readonly providerOf: (flow: string) => Client | undefined;
  /**
   * Tells the provider of a flow that comes from another host; false when there is none. Never
   * rejects.
   */
  readonly tellElsewhere: (flow: string, delivery: Delivery, hops: number) => Promise<boolean>;
  readonly log: Logger;
}

export class FlowControl {
  readonly #surroundings: FlowControlDependencies;
  readonly #lastXoff = new Map<Opening, FlowMark>();

  constructor(surroundings: FlowControlDependencies) {
    this.#surroundings = surroundings;
  }

  /** A consumer has reached a mark. False when the flow has no provider now. */
  reached(opening: Opening, mark: FlowMark): Promise<boolean> {
    if (mark.kind === 'xoff') this.#lastXoff.set(opening, mark);
    else this.#lastXoff.delete(opening);
    return this.#tell(opening, mark);
  }

  /** The consumers that hold a flow off. */
  marks(flow: string): ConsumerMark[] {
    return [...this.#lastXoff]
      .filter(([opening]) => opening.flow === flow)
      .map(([{ client }, mark]) => ({ consumer: client.presentation.name, mark }));
  }

  /**
   * Somebody has closed a flow. A consumer that goes after its XOFF will never say XON: it is said
   * for it.
   */
  closed(opening: Opening): void {
    const mark = this.#lastXoff.get(opening);
    if (mark === undefined) return;
    this.#lastXoff.delete(opening);
    void this.#tell(opening, { kind: 'xon', mark: 0, total: mark.total, fill: 0 });
  }

  /** A consumer was made lossy because it held the flow back for too long. */
  demoted(opening: Opening): void {
    const { flow, client } = opening;
    void this.tell(flow, { kind: 'demoted', flow, from: client.presentation.name }, HOPS_MAX);
  }

  /** The app server ends, not the consumers: nothing is said for them any more. */
  stop(): void {
    this.#lastXoff.clear();
  }

  /**
   * Something for the provider of a flow, on this host or over so many others. False when there is
   * none.
   */
  tell(flow: string, delivery: Delivery, hops: number): Promise<boolean> {
    const { deliveries, providerOf, tellElsewhere, log } = this.#surroundings;
    const provider = providerOf(flow);
    if (provider === undefined) {
      return hops === 0 ? Promise.resolve(false) : tellElsewhere(flow, delivery, hops - 1);
    }
    deliveries.deliver(provider, delivery).catch((error: unknown) => {
      log.warn('a provider was not told', {
        flow,
        kind: delivery.kind,
        client: provider.presentation.name,
        error,
      });
    });
    return Promise.resolve(true);
  }

  #tell({ flow, client }: Opening, mark: FlowMark): Promise<boolean> {
    return this.tell(flow, { kind: 'flowControl', flow, from: client.presentation.name, mark }, HOPS_MAX);
  }
}

/** Over how many hosts a mark may go to its provider. */
const HOPS_MAX = 8;
