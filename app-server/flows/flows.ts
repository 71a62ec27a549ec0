/**
 * Opening and closing the flows of the application. Owns the three parts behind that: the table of
 * flows, the table of openings, and the subscriptions of duplicators (the processes that own flow
 * files). The handlers in `calls/` and the host-to-host agreement in `remote/` call it. Starts
 * duplicators; opens no socket.
 */
import type { DuplicatorReady, OpenedFlow, OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { datagramSocketPath, providerSocketPath } from '../../protocol/base/paths.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Client } from '../clients/clients.js';
import { Duplicators, type DuplicatorsOptions } from './duplicators.js';
import { checkRequest, definitionOfProvider, hasDatagrams, requestsRedefinition } from './flow-definition.js';
import { FlowTable, type FlowTableOptions } from './flow-table.js';
import type { Flow } from './flow.js';
import { Openings, type Opening } from './openings.js';

/**
 * Shorter than the time-out of the caller of flow.open: an opening whose caller has given up would
 * never be closed.
 */
const OPEN_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs - 1_000;

export interface FlowsOptions extends FlowTableOptions, Omit<DuplicatorsOptions, 'onLinkEnded'> {
  /** Runs when an opening ends: by flow.close, or with its client's session. */
  readonly onClosed: (opening: Opening) => void;
}

export class Flows {
  readonly openings = new Openings();
  readonly table: FlowTable;
  readonly duplicators: Duplicators;
  readonly #options: FlowsOptions;

  constructor(options: FlowsOptions) {
    this.#options = options;
    this.table = new FlowTable(options, this.openings);
    this.duplicators = new Duplicators(
      { ...options, onLinkEnded: (opening) => this.#remove(opening) },
      this.table,
      this.openings,
    );
  }

  /**
   * Opens a flow for a client: finds or defines it, registers the opening, and resolves when its
   * duplicator is ready, started where needed. A request with the handle of an opening renews it.
   * Rejects within OPEN_TIMEOUT_MS with the reason.
   */
  async open(client: Client, request: OpenRequest): Promise<OpenedFlow> {
    const renewed = this.#openingToRenew(client, request);
    const flow = this.#flowFor(request, renewed);
    let opening = renewed;
    try {
      opening ??= this.openings.add(client, request);
      const ready = await this.#readyInTime(flow, renewed !== undefined);
      if (!this.openings.has(opening)) {
        throw new MirrorflowError('UNKNOWN_SESSION', `the session ended while flow ${flow.name} was opened`);
      }
      this.openings.check(opening);
      opening.established = true;
      return {
        handle: opening.handle,
        flow: flow.name,
        type: ready.type,
        file: ready.file,
        link: this.#linkFor(request, ready),
        ...(hasDatagrams(flow.definition) ? { datagrams: this.#datagramsOf(flow.name) } : {}),
        ...(ready.image === undefined ? {} : { image: ready.image }),
      };
    } catch (error) {
      // A renewed opening stays: its client still has the flow open and retries.
      if (opening === undefined) this.table.removeIfUnused(flow);
      else if (renewed === undefined || this.openings.mustReopen(opening)) this.#remove(opening);
      throw error;
    }
  }

  /** Providers connect to a socket of their own, which only they may use. */
  #linkFor({ flow, direction }: OpenRequest, ready: DuplicatorReady): string {
    const { directory, application } = this.#options.server;
    return direction === 'input' ? ready.link : providerSocketPath(directory, application.name, flow);
  }

  #datagramsOf(flow: string): string {
    const { directory, application } = this.#options.server;
    return datagramSocketPath(directory, application.name, flow);
  }

  /** False when the client has no such handle: it may have been released already. */
  close(client: Client, handle: number): boolean {
    const opening = this.openings.find(client, handle);
    if (opening === undefined) return false;
    this.#remove(opening);
    return true;
  }

  /** Ends all openings of a client whose session has ended, those that wait included. */
  release(client: Client): void {
    for (const opening of this.openings.ofClient(client)) this.#remove(opening);
  }

  /**
   * Resolves when the duplicator of a flow runs, started where needed. Rejects with UNKNOWN_FLOW,
   * or with the reason why the duplicator cannot run.
   */
  async ready(name: string): Promise<DuplicatorReady> {
    return this.#readyInTime(this.table.find(name), false);
  }

  /** The opening that a request renews; undefined too for the handle of an earlier app server. */
  #openingToRenew(client: Client, { flow, direction, handle }: OpenRequest): Opening | undefined {
    const opening = handle === undefined ? undefined : this.openings.find(client, handle);
    return opening?.flow === flow && opening.direction === direction ? opening : undefined;
  }

  /** The requested flow; the request of a first provider defines it. */
  #flowFor(request: OpenRequest, renewed: Opening | undefined): Flow {
    const known = this.table.get(request.flow);
    if (known === undefined && request.direction === 'output') {
      return this.table.add(definitionOfProvider(request), false);
    }
    const flow = known ?? this.table.find(request.flow);
    checkRequest(flow.definition, request);
    if (request.direction === 'output') {
      this.openings.refuseSecondProvider(flow.name, renewed);
      if (requestsRedefinition(flow.definition, request)) this.#redefine(flow, request);
    }
    return flow;
  }

  /** Throws REFUSED while clients have the flow open as it is. */
  #redefine(flow: Flow, request: OpenRequest): void {
    const { sizes, properties, signal = 'stream' } = flow.definition;
    const clients = Math.max(this.openings.clientsOf(flow.name), flow.linkClients);
    if (clients > 0) {
      throw new MirrorflowError(
        'REFUSED',
        `flow ${flow.name} has ${sizes?.buffers} buffers of ${sizes?.bufferSize} bytes, properties ${properties} and ${signal} signals, ` +
          `and ${clients} clients; it can be redefined when they have closed it`,
        { flow: flow.name, clients },
      );
    }
    this.table.define(definitionOfProvider({ ...sizes, properties, signal, ...request }));
  }

  /** `renews`: the client had the flow open when its duplicator ended. Rejects with TIMED_OUT. */
  async #readyInTime(flow: Flow, renews: boolean): Promise<DuplicatorReady> {
    let cancel: () => void = () => undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = this.#options.clock.after(OPEN_TIMEOUT_MS, () => {
        const { state, cause } = flow.duplicator;
        const message = `flow ${flow.name} could not be opened within ${OPEN_TIMEOUT_MS} ms; it is ${state}${cause === undefined ? '' : `: ${cause}`}`;
        reject(new MirrorflowError('TIMED_OUT', message, { flow: flow.name, timeoutMs: OPEN_TIMEOUT_MS }));
      });
    });
    try {
      return await Promise.race([flow.duplicator.whenReady(renews), timeout]);
    } finally {
      cancel();
    }
  }

  #remove(opening: Opening): void {
    this.openings.remove(opening);
    this.#options.onClosed(opening);
    const flow = this.table.get(opening.flow);
    if (flow === undefined) return;
    flow.duplicator.cancelNeedlessRestart();
    this.table.removeIfUnused(flow);
  }
}
