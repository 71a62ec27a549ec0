/**
 * All flows of the application, as clients and other hosts see them: what each is, who has it open,
 * and opening and closing it.
 */
import type {
  DuplicatorReady,
  FlowInfo,
  OpenedFlow,
  OpenRequest,
  Served,
} from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Client } from '../clients/clients.js';
import { Duplicators, type DuplicatorsOptions } from './duplicators.js';
import {
  asksForAnother,
  checkRequest,
  definitionOfProvider,
  remoteDefinition,
  SPECTRA,
  spectraDefinition,
  type FlowDefinition,
} from './flow-definition.js';
import { FlowTable, type FlowTableOptions } from './flow-table.js';
import type { Flow } from './flow.js';
import { Openings, type Opening } from './openings.js';
import type { FlowHere, FlowsHere } from '../remote/remote-flows.js';
import { serveFlow } from '../remote/serve-flow.js';

/**
 * flow.open answers within this time, before its caller gives up: an opening that nobody knows of
 * is held by nobody.
 */
const OPEN_TIMEOUT_MS = LIMITS.flowOpeningTimeoutMs - 1_000;

export interface FlowsOptions extends FlowTableOptions, DuplicatorsOptions {
  /** A client has closed a flow, or has gone. */
  readonly closed: (opening: Opening) => void;
}

export class Flows implements FlowsHere {
  readonly #options: FlowsOptions;
  readonly #openings = new Openings();
  readonly #flows: FlowTable;
  readonly duplicators: Duplicators;

  constructor(options: FlowsOptions) {
    this.#options = options;
    this.#flows = new FlowTable(options, this.#openings);
    this.duplicators = new Duplicators(options, this.#flows, this.#openings);
    const { source, via } = options.server.application;
    if (source !== undefined) this.#flows.add(spectraDefinition(source), true);
    else if (via !== undefined) this.#flows.add(remoteDefinition(SPECTRA, SPECTRA, via), true);
  }

  list(): FlowInfo[] {
    const names = this.#flows.all().map(({ name }) => name);
    return names.toSorted().map((name) => this.inquire(name));
  }

  /** Drops the flows of dead duplicators that nobody has come back to. */
  forgetUnused(): void {
    for (const flow of this.#flows.all()) this.#flows.tidy(flow);
  }

  /** Flows with a process, or that somebody has open. */
  inUse(): ReadonlySet<string> {
    const used = this.list().filter(
      ({ state, clients }) => (state !== 'idle' && state !== 'failed') || clients > 0,
    );
    return new Set(used.map(({ flow }) => flow));
  }

  /** Throws UNKNOWN_FLOW. */
  inquire(name: string): FlowInfo {
    return this.#flows.find(name).info(this.#openings.clientsOf(name));
  }

  statistics(name: string): Record<string, number> {
    return this.#flows.find(name).statistics(this.#options.clock);
  }

  openingsOf(client: Client): readonly Opening[] {
    return this.#openings.ofClient(client);
  }

  openingsOfFlow(name: string): readonly Opening[] {
    return this.#openings.ofFlow(name);
  }

  /** The client that provides a flow, if there is one. */
  providerOf(name: string): Client | undefined {
    return this.#openings.provider(name)?.client;
  }

  /** What a consumer has open. Throws REFUSED when that handle is no consumer's of this client. */
  consumerOpening(client: Client, handle: number): Opening {
    const opening = this.#openings.find(client, handle);
    if (opening?.direction === 'input') return opening;
    throw new MirrorflowError(
      'REFUSED',
      `client ${client.presentation.name} has no flow open for reading under the handle ${handle}`,
      { handle },
    );
  }

  /** A flow as it is now; undefined when it is not known. */
  here(name: string): FlowHere | undefined {
    const flow = this.#flows.get(name);
    if (flow === undefined) return undefined;
    const provider = this.#openings.provider(name)?.client.presentation;
    const { definition, permanent, duplicator } = flow;
    return { definition, permanent, provider, running: !duplicator.isQuiet };
  }

  /**
   * Defines a flow that is not known, or anew: its duplicator is stopped then, and clients come
   * back to the next one.
   */
  define(definition: FlowDefinition): void {
    const flow = this.#flows.get(definition.flow);
    if (flow === undefined) {
      this.#flows.add(definition, false);
      return;
    }
    flow.definition = definition;
    flow.duplicator.retire();
  }

  /** The data of a remote flow come from there now; the duplicator that runs goes on. */
  moved(name: string, source: string): void {
    const flow = this.#flows.get(name);
    if (flow !== undefined) flow.definition = { ...flow.definition, source };
  }

  /**
   * Starts the duplicator of a flow where needed. Rejects with UNKNOWN_FLOW, or why it cannot run.
   */
  async ready(name: string): Promise<DuplicatorReady> {
    return this.#inTime(this.#flows.find(name), false);
  }

  /**
   * Makes the running duplicator of a flow listen for those of other hosts. Rejects with
   * NOT_RUNNING, and with why it cannot.
   */
  async serve(name: string): Promise<Served> {
    return serveFlow(this.duplicators.caller(name), this.#options.server.dataListen);
  }

  /** Sends the running duplicator of a remote flow somewhere else. */
  async redirect(name: string, source: string): Promise<void> {
    await this.duplicators.caller(name)('duplicator.redirect', [source]);
  }

  /**
   * Opens a flow for a client and answers when its duplicator is ready, or rejects with why not,
   * within a bounded time.
   */
  async open(client: Client, request: OpenRequest): Promise<OpenedFlow> {
    const known = this.#knownOpening(client, request);
    const flow = this.#flowFor(request, known);
    const opening = known ?? this.#openingOf(client, flow, request);
    try {
      const ready = await this.#inTime(flow, known !== undefined);
      if (!this.#openings.has(opening)) {
        throw new MirrorflowError('UNKNOWN_SESSION', `the session ended while flow ${flow.name} was opened`);
      }
      opening.established = true;
      return {
        handle: opening.handle,
        flow: flow.name,
        type: ready.type,
        file: ready.file,
        link: ready.link,
        ...(ready.image === undefined ? {} : { image: ready.image }),
      };
    } catch (error) {
      // Who asks again still has it open: the flow is kept for it.
      if (known === undefined) this.#remove(opening);
      throw error;
    }
  }

  /** False when the client has no such handle: it may have been released already. */
  close(client: Client, handle: number): boolean {
    const opening = this.#openings.find(client, handle);
    if (opening === undefined) return false;
    this.#remove(opening);
    return true;
  }

  /** A session has ended: all it had open, or waited for, is released. */
  release(client: Client): void {
    for (const opening of this.#openings.ofClient(client)) this.#remove(opening);
  }

  /** Stops every duplicator; those who wait get STOPPED. */
  async stop(): Promise<void> {
    await Promise.all(this.#flows.all().map(({ duplicator }) => duplicator.close()));
  }

  #openingOf(client: Client, flow: Flow, { direction, link }: OpenRequest): Opening {
    try {
      return this.#openings.add(client, flow.name, direction, link);
    } catch (error) {
      this.#flows.tidy(flow);
      throw error;
    }
  }

  /**
   * What this client has open already and asks for again; undefined also when it is of an earlier
   * app server.
   */
  #knownOpening(client: Client, { flow, direction, handle }: OpenRequest): Opening | undefined {
    const known = handle === undefined ? undefined : this.#openings.find(client, handle);
    return known?.flow === flow && known.direction === direction ? known : undefined;
  }

  /** The flow that a request means; defined by it when it is the first provider's. */
  #flowFor(request: OpenRequest, own: Opening | undefined): Flow {
    const known = this.#flows.get(request.flow);
    if (known === undefined && request.direction === 'output') {
      return this.#flows.add(definitionOfProvider(request), false);
    }
    const flow = known ?? this.#flows.find(request.flow);
    checkRequest(flow.definition, request);
    if (request.direction === 'output') this.#takeProvider(flow, request, own);
    return flow;
  }

  #takeProvider(flow: Flow, request: OpenRequest, own: Opening | undefined): void {
    this.#openings.refuseSecondProvider(flow.name, own);
    if (!asksForAnother(flow.definition, request)) return;
    const clients = Math.max(this.#openings.clientsOf(flow.name), flow.linkClients);
    const { sizes } = flow.definition;
    if (clients > 0) {
      throw new MirrorflowError(
        'REFUSED',
        `flow ${flow.name} has ${sizes?.buffers} buffers of ${sizes?.bufferSize} bytes and properties ${flow.definition.properties}, ` +
          `and ${clients} clients; it can be defined anew when they have closed it`,
        { flow: flow.name, clients },
      );
    }
    flow.definition = definitionOfProvider({ ...sizes, properties: flow.definition.properties, ...request });
    flow.duplicator.retire();
  }

  async #inTime(flow: Flow, again: boolean): Promise<DuplicatorReady> {
    let cancel: () => void = () => undefined;
    const late = new Promise<never>((_resolve, reject) => {
      cancel = this.#options.clock.after(OPEN_TIMEOUT_MS, () => {
        const { state, cause } = flow.duplicator;
        const message = `flow ${flow.name} could not be opened within ${OPEN_TIMEOUT_MS} ms; it is ${state}${cause === undefined ? '' : `: ${cause}`}`;
        reject(new MirrorflowError('TIMED_OUT', message, { flow: flow.name, timeoutMs: OPEN_TIMEOUT_MS }));
      });
    });
    try {
      return await Promise.race([flow.duplicator.whenReady(again), late]);
    } finally {
      cancel();
    }
  }

  #remove(opening: Opening): void {
    this.#openings.remove(opening);
    this.#options.closed(opening);
    const flow = this.#flows.get(opening.flow);
    if (flow === undefined) return;
    flow.duplicator.reconsider();
    this.#flows.tidy(flow);
  }
}
