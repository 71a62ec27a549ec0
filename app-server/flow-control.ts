/** Flow control between the consumers and the provider of a flow: passes marks on, and knows who has said XOFF and no XON since. */
import type { ConsumerMark, Delivery, FlowMark } from '../protocol/contract/deliveries.js';
import type { Logger } from '../protocol/log.js';
import type { Client } from './clients.js';
import type { Deliveries } from './deliveries.js';
import type { Opening } from './openings.js';

export interface FlowControlSurroundings {
  readonly deliveries: Deliveries;
  readonly providerOf: (flow: string) => Client | undefined;
  readonly log: Logger;
}

export class FlowControl {
  readonly #surroundings: FlowControlSurroundings;
  readonly #lastXoff = new Map<Opening, FlowMark>();

  constructor(surroundings: FlowControlSurroundings) {
    this.#surroundings = surroundings;
  }

  /** A consumer has reached a mark. False when the flow has no provider now. */
  reached(opening: Opening, mark: FlowMark): boolean {
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

  /** Somebody has closed a flow. A consumer that goes after its XOFF will never say XON: it is said for it. */
  closed(opening: Opening): void {
    const mark = this.#lastXoff.get(opening);
    if (mark === undefined) return;
    this.#lastXoff.delete(opening);
    this.#tell(opening, { kind: 'xon', mark: 0, total: mark.total, fill: 0 });
  }

  /** A consumer was made lossy because it held the flow back for too long. */
  demoted(opening: Opening): void {
    this.#deliver(opening, { kind: 'demoted', flow: opening.flow, from: opening.client.presentation.name });
  }

  /** The app server ends, not the consumers: nothing is said for them any more. */
  stop(): void {
    this.#lastXoff.clear();
  }

  #tell(opening: Opening, mark: FlowMark): boolean {
    const { flow, client } = opening;
    return this.#deliver(opening, { kind: 'flowControl', flow, from: client.presentation.name, mark });
  }

  #deliver({ flow }: Opening, delivery: Delivery): boolean {
    const { deliveries, providerOf, log } = this.#surroundings;
    const provider = providerOf(flow);
    if (provider === undefined) return false;
    deliveries.deliver(provider, delivery).catch((error: unknown) => {
      log.warn('a provider was not told', {
        flow,
        kind: delivery.kind,
        client: provider.presentation.name,
        error,
      });
    });
    return true;
  }
}
