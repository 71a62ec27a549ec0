/** All flows of the application: which there are, who opens them, and which process serves them. */
import type { Clock } from '../protocol/clock.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/contract/methods.js';
import { callerOf, type CallOf } from '../protocol/xml-rpc/contract.js';
import {
  type DuplicatorReady,
  type DuplicatorReport,
  type FlowInfo,
  type OpenedFlow,
  type OpenRequest,
  type Served,
  type StartFailure,
} from '../protocol/contract/shapes.js';
import { appFlowDirectory, flowFilePath } from '../protocol/directories.js';
import { identityFromWire } from '../protocol/contract/identity-on-wire.js';
import { ERROR_CODES, MirrorflowError, type ErrorCode } from '../protocol/errors.js';
import { LIMITS } from '../protocol/limits.js';
import type { Logger } from '../protocol/log.js';
import { isAlive } from '../protocol/owner-identity.js';
import type { Client } from './clients.js';
import { AdoptedDuplicator, type DuplicatorConnection } from './duplicator-handle.js';
import {
  asksForAnother,
  checkRequest,
  definitionOfProvider,
  isRemote,
  remoteDefinition,
  SPECTRA,
  serves,
  spectraDefinition,
  type FlowDefinition,
} from './flow-definition.js';
import type { FlowDuplicatorOptions } from './flow-duplicator.js';
import { findFlows, livingOwner, stopOwner } from './flow-files.js';
import { Flow } from './flow.js';
import { launchDuplicator } from './launch.js';
import { Openings, type Opening } from './openings.js';
import type { AppServerOptions } from './options.js';
import type { FlowHere, FlowsHere } from './remote/remote-flows.js';
import { serveFlow } from './remote/serve-flow.js';
import { checkFound, checkReady } from './subscription.js';

/** Flows of one application: each is a process. */
const FLOWS_MAX = 256;

/** flow.open answers within this time, before its caller gives up: an opening that nobody knows of is held by nobody. */
const OPEN_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs - 1_000;

export interface FlowsOptions {
  readonly server: AppServerOptions;
  /** Absolute path of the duplicator program, as it is now. */
  readonly duplicatorScript: () => string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A client has closed a flow, or has gone. */
  readonly closed: (opening: Opening) => void;
  /** A duplicator has told the state of its source. */
  readonly reported: (flow: string, report: DuplicatorReport) => void;
}

/** What a duplicator that says that it is ready is answered. */
interface Subscribed {
  readonly adopted: boolean;
  /** Consumers of the one before that still have the flow open. */
  readonly consumers?: number;
}

export class Flows implements FlowsHere {
  readonly #options: FlowsOptions;
  readonly #flows = new Map<string, Flow>();
  readonly #openings = new Openings();
  /** Flows of an earlier app server: who has them open may not have come back yet, however long it takes. */
  readonly #found = new Set<string>();
  /** The permanent connections of duplicators, and which run of which flow each belongs to. */
  readonly #connections = new WeakMap<object, { readonly flow: Flow; readonly pid: number }>();

  /** The newest connection of each flow's duplicator, which calls to it take. */
  readonly #duplicators = new WeakMap<Flow, DuplicatorConnection>();

  constructor(options: FlowsOptions) {
    this.#options = options;
    const { source, via } = options.server.application;
    if (source !== undefined) this.#add(spectraDefinition(source), true);
    else if (via !== undefined) this.#add(remoteDefinition(SPECTRA, SPECTRA, via), true);
  }

  /** Looks for the flows that an earlier app server has left: duplicators that run will subscribe, others are started when somebody comes back. */
  expectRunning(): void {
    const { application, flowDirectory } = this.#options.server;
    const directory = appFlowDirectory(flowDirectory, application.name);
    const found = findFlows(directory, application.name).toSorted(
      (a, b) => Number(b.living) - Number(a.living),
    );
    for (const { definition, living } of found.slice(0, FLOWS_MAX - this.#flows.size)) {
      const flow = this.#flows.get(definition.flow) ?? this.#add(definition, false);
      this.#found.add(definition.flow);
      if (living) flow.duplicator.expectOwner();
    }
  }

  list(): FlowInfo[] {
    return [...this.#flows.keys()].toSorted().map((name) => this.inquire(name));
  }

  /** Drops the flows of dead duplicators that nobody has come back to. */
  forgetUnused(): void {
    for (const flow of this.#flows.values()) this.#tidy(flow);
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
    return this.#find(name).info(this.#openings.clientsOf(name));
  }

  statistics(name: string): Record<string, number> {
    return this.#find(name).statistics(this.#options.clock);
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

  /** Where the duplicator of a flow takes calls, if it runs and is connected. */
  duplicatorOf(name: string): DuplicatorConnection | undefined {
    const flow = this.#flows.get(name);
    return flow?.duplicator.ready === undefined ? undefined : this.#duplicators.get(flow);
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

  /** The consumer on a duplicator's signal link that said `link` in its HELLO. */
  consumerOfLink(session: object, link: number): Opening | undefined {
    const flow = this.#servedBy(session);
    if (flow === undefined) return undefined;
    return this.#openings.ofFlow(flow.name).find((opening) => opening.link === link);
  }

  /** A flow as it is now; undefined when it is not known. */
  here(name: string): FlowHere | undefined {
    const flow = this.#flows.get(name);
    if (flow === undefined) return undefined;
    const provider = this.#openings.provider(name)?.client.presentation;
    const { definition, permanent, duplicator } = flow;
    return { definition, permanent, provider, running: !duplicator.isQuiet };
  }

  /** Defines a flow that is not known, or anew: its duplicator is stopped then, and clients come back to the next one. */
  define(definition: FlowDefinition): void {
    const flow = this.#flows.get(definition.flow);
    if (flow === undefined) {
      this.#add(definition, false);
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

  /** Starts the duplicator of a flow where needed. Rejects with UNKNOWN_FLOW, or why it cannot run. */
  async ready(name: string): Promise<DuplicatorReady> {
    return this.#inTime(this.#find(name), false);
  }

  /** Makes the running duplicator of a flow listen for those of other hosts. Rejects with NOT_RUNNING, and with why it cannot. */
  async serve(name: string): Promise<Served> {
    return serveFlow(this.#caller(name), this.#options.server.dataListen);
  }

  /** Sends the running duplicator of a remote flow somewhere else. */
  async redirect(name: string, source: string): Promise<void> {
    await this.#caller(name)('duplicator.redirect', [source]);
  }

  /** Opens a flow for a client and answers when its duplicator is ready, or rejects with why not, within a bounded time. */
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

  /** A duplicator is ready, or has found this app server again. Throws VERSION_MISMATCH or REFUSED. */
  subscribe(ready: DuplicatorReady, session: DuplicatorConnection): Subscribed {
    try {
      checkReady(ready, this.#options.server.application.name);
      const known = this.#flows.get(ready.flow);
      const adopted = known?.duplicator.subscribed(ready, session) !== true;
      const flow = adopted ? this.#adopt(ready, session) : known;
      if (flow !== undefined) {
        this.#connections.set(session, { flow, pid: ready.identity.pid });
        this.#duplicators.set(flow, session);
      }
      // Only who saw the one before run knows its consumers; to a restarted app server they may have yet to come. The file tells the most of it.
      if (adopted || flow === undefined || !flow.duplicator.follows || this.#found.has(flow.name))
        return { adopted };
      return { adopted, consumers: this.#openings.consumers(flow.name) };
    } catch (error) {
      this.#options.log.warn('a duplicator was refused', {
        flow: ready.flow,
        pid: ready.identity.pid,
        error,
      });
      if (error instanceof MirrorflowError) {
        this.#flows.get(ready.flow)?.duplicator.refusedOwner(error.message);
      }
      throw error;
    }
  }

  /** A child says why it cannot start. False when its token is of no start that runs. */
  startFailed({ launch, code, message }: StartFailure): boolean {
    const known: ErrorCode = Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'START_FAILED';
    return [...this.#flows.values()].some(({ duplicator }) => duplicator.startFailed(launch, known, message));
  }

  report(report: DuplicatorReport, session: object): boolean {
    const flow = this.#servedBy(session);
    flow?.reported(report);
    if (flow !== undefined) this.#options.reported(flow.name, report);
    return flow !== undefined;
  }

  /** Whether the duplicator on that connection may end: true only if nobody has its flow open, or waits for it. */
  mayEnd(session: object): boolean {
    const flow = this.#servedBy(session);
    if (flow === undefined || this.#openings.ofFlow(flow.name).length > 0) return false;
    flow.duplicator.released();
    return true;
  }

  /** Stops every duplicator; those who wait get STOPPED. */
  async stop(): Promise<void> {
    await Promise.all([...this.#flows.values()].map(({ duplicator }) => duplicator.close()));
  }

  #caller(name: string): CallOf<MirrorflowContract> {
    const connection = this.duplicatorOf(name);
    if (connection !== undefined) return callerOf(CONTRACT, connection);
    throw new MirrorflowError('NOT_RUNNING', `the duplicator of flow ${name} does not run now`, {
      flow: name,
    });
  }

  #servedBy(session: object): Flow | undefined {
    const connection = this.#connections.get(session);
    if (connection === undefined) {
      throw new MirrorflowError('REFUSED', 'this connection is of no duplicator; it must subscribe first');
    }
    const { flow, pid } = connection;
    return flow.duplicator.ready !== undefined && flow.duplicator.pid === pid ? flow : undefined;
  }

  #find(name: string): Flow {
    const flow = this.#flows.get(name);
    if (flow !== undefined) return flow;
    const names = [...this.#flows.keys()].toSorted().join(', ');
    throw new MirrorflowError(
      'UNKNOWN_FLOW',
      `application ${this.#options.server.application.name} has no flow ${name}; ${names === '' ? 'it has none at all' : `its flows are: ${names}`}`,
      { flow: name },
    );
  }

  #openingOf(client: Client, flow: Flow, { direction, link }: OpenRequest): Opening {
    try {
      return this.#openings.add(client, flow.name, direction, link);
    } catch (error) {
      this.#tidy(flow);
      throw error;
    }
  }

  /** What this client has open already and asks for again; undefined also when it is of an earlier app server. */
  #knownOpening(client: Client, { flow, direction, handle }: OpenRequest): Opening | undefined {
    const known = handle === undefined ? undefined : this.#openings.find(client, handle);
    return known?.flow === flow && known.direction === direction ? known : undefined;
  }

  /** The flow that a request means; defined by it when it is the first provider's. */
  #flowFor(request: OpenRequest, own: Opening | undefined): Flow {
    const known = this.#flows.get(request.flow);
    if (known === undefined && request.direction === 'output') {
      return this.#add(definitionOfProvider(request), false);
    }
    const flow = known ?? this.#find(request.flow);
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

  /** Takes over a duplicator that this app server has not started, if it really is its flow's owner. */
  #adopt(ready: DuplicatorReady, session: DuplicatorConnection): Flow {
    const { server, clock, log } = this.#options;
    const { identity, definition: found } = checkFound(ready, server);
    const flow = this.#flows.get(ready.flow) ?? this.#add(found, false);
    const handle = new AdoptedDuplicator(identity, clock);
    handle.connected(session);
    // What a source or a provider asks for decides; otherwise the flow is what its duplicator says.
    const decided = flow.permanent || this.#openings.provider(flow.name) !== undefined;
    if (decided && !serves(found, flow.definition)) {
      log.warn('a duplicator does not fit its flow and is replaced', { flow: flow.name, pid: identity.pid });
      flow.duplicator.replace(handle);
      return flow;
    }
    if (!decided) flow.definition = { ...found, ...remoteOf(flow.definition) };
    else if (isRemote(flow.definition)) flow.definition = { ...found, ...remoteOf(flow.definition) };
    flow.duplicator.adopt(handle, ready);
    return flow;
  }

  #add(definition: FlowDefinition, permanent: boolean): Flow {
    if (this.#flows.size >= FLOWS_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', `an application has at most ${FLOWS_MAX} flows`, {
        flows: FLOWS_MAX,
      });
    }
    const flow = new Flow(definition, permanent, (owner) => this.#duplicatorOptions(definition.flow, owner));
    this.#flows.set(definition.flow, flow);
    return flow;
  }

  #duplicatorOptions(name: string, flow: Flow): FlowDuplicatorOptions {
    const { server, duplicatorScript, clock, log } = this.#options;
    const file = flowFilePath(server.flowDirectory, server.application.name, name);
    return {
      title: `${server.application.name}/${name}`,
      clock,
      log,
      launch: () => launchDuplicator(flow.definition, server, duplicatorScript(), clock, log),
      livingOwner: () => livingOwner(file),
      stopOwner: () => stopOwner(file, clock),
      isAlive: ({ identity }) => isAlive(identityFromWire(identity)),
      wanted: () => this.#openings.ofFlow(name).some(({ established }) => established),
      changed: () => this.#tidy(flow),
    };
  }

  #remove(opening: Opening): void {
    this.#openings.remove(opening);
    this.#options.closed(opening);
    const flow = this.#flows.get(opening.flow);
    if (flow === undefined) return;
    flow.duplicator.reconsider();
    this.#tidy(flow);
  }

  /** A provider's flow is known while its duplicator lives or anybody has it open. */
  #tidy(flow: Flow): void {
    const { name, permanent, duplicator } = flow;
    if (permanent || this.#flows.get(name) !== flow || !duplicator.isQuiet) return;
    if (this.#openings.ofFlow(name).length > 0) return;
    const file = flowFilePath(
      this.#options.server.flowDirectory,
      this.#options.server.application.name,
      name,
    );
    if (livingOwner(file) !== undefined) return;
    this.#flows.delete(name);
    this.#found.delete(name);
  }
}

/** The host behind a remote flow, which no duplicator tells. */
function remoteOf({ remote }: FlowDefinition): Pick<FlowDefinition, 'remote'> {
  return remote === undefined ? {} : { remote };
}
