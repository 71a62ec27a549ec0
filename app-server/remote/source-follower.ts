/**
 * Follows the sources of remote flows: while the duplicator here (the process that owns the flow's
 * file) is cut off from the duplicator on the other host, asks once a second where the flow is
 * served now, and redirects the duplicator here. Owned by `remote-flows.ts`, which passes every
 * report of a duplicator; calls other app servers and the duplicators of this host.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { DuplicatorReport } from '../../protocol/rpc/contract/shapes.js';
import type { Logger } from '../../protocol/base/log.js';
import { isFromSite, isRemote } from '../flows/flow-definition.js';
import type { Flows } from '../flows/flows.js';
import { HOPS_MAX, type FlowLocator } from './flow-locator.js';

/** Time between two searches. */
const FOLLOW_INTERVAL_MS = 1_000;

export class SourceFollower {
  readonly #flows: Flows;
  readonly #locator: FlowLocator;
  readonly #clock: Clock;
  readonly #log: Logger;
  /** Flows whose source is searched for, with the function that ends the wait between searches. */
  readonly #searches = new Map<string, () => void>();
  /** Remote flows whose duplicator here is cut off. */
  readonly #stale = new Set<string>();
  #stopped = false;

  constructor(flows: Flows, locator: FlowLocator, clock: Clock, log: Logger) {
    this.#flows = flows;
    this.#locator = locator;
    this.#clock = clock;
    this.#log = log;
  }

  /** A duplicator has reported the state of its source. */
  reported(flow: string, { sourceState }: DuplicatorReport): void {
    const definition = this.#flows.table.get(flow)?.definition;
    if (definition === undefined || !isRemote(definition) || isFromSite(definition)) return;
    if (sourceState === 'stale') {
      this.#stale.add(flow);
      void this.#search(flow);
    } else {
      this.#stale.delete(flow);
      this.#searches.get(flow)?.();
    }
  }

  /** Searches again at once: the set of connected hosts has changed. */
  searchNow(): void {
    for (const wake of this.#searches.values()) wake();
  }

  /** Changes the source of a flow and redirects its running duplicator. */
  async redirect(flow: string, host: string, address: string): Promise<void> {
    this.#log.info('a flow of another host is served at another address now', { flow, host, address });
    this.#flows.table.setSource(flow, address);
    await this.#flows.duplicators.redirect(flow, address);
  }

  stop(): void {
    this.#stopped = true;
    this.searchNow();
  }

  /** Ends when the source is back or the duplicator here has ended. */
  async #search(flow: string): Promise<void> {
    if (this.#searches.has(flow)) return;
    this.#searches.set(flow, () => undefined);
    while (this.#isCutOff(flow)) {
      await this.#searchOnce(flow);
      if (this.#isCutOff(flow)) await this.#pause(flow);
    }
    this.#searches.delete(flow);
  }

  #isCutOff(name: string): boolean {
    const flow = this.#flows.table.get(name);
    if (this.#stopped || !this.#stale.has(name) || flow === undefined) return false;
    return !flow.duplicator.isIdle && isRemote(flow.definition);
  }

  async #searchOnce(flow: string): Promise<void> {
    const { table } = this.#flows;
    try {
      const located = await this.#locator.locate(flow, HOPS_MAX);
      const host = located?.host ?? table.get(flow)?.definition.remote;
      if (host === undefined) return;
      const { address } = await this.#locator.serveOn(host, flow);
      if (address !== table.get(flow)?.definition.source) await this.redirect(flow, host, address);
    } catch (error) {
      this.#log.debug('the source of a remote flow was not located', { flow, error });
    }
  }

  #pause(flow: string): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(FOLLOW_INTERVAL_MS, resolve, true);
      this.#searches.set(flow, () => {
        cancel();
        resolve();
      });
    });
  }
}
