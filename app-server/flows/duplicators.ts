/**
 * The duplicators of this application's flows (one process per flow, which owns the flow's file):
 * those that this app server starts and those that it finds running subscribe here, report, are
 * called, and ask whether they may end. Owned by `flows.ts`; the handlers in `calls/` and `remote/`
 * call it. Calls duplicators on their own connections; reads flow files.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type {
  DuplicatorReady,
  DuplicatorReport,
  ServeResult,
  StartFailure,
} from '../../protocol/rpc/contract/shapes.js';
import { appFlowDirectory } from '../../protocol/base/paths.js';
import { parseAddress } from '../../protocol/base/address.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { QUIT_TIMEOUT_MS, type DuplicatorConnection } from '../children/flow-duplicator.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/start-report.js';
import { fits, isRemote, type FlowDefinition } from './flow-definition.js';
import { findFlows } from './flow-files.js';
import type { FlowTable } from './flow-table.js';
import type { Flow } from './flow.js';
import type { Opening, Openings } from './openings.js';
import type { AppServerOptions } from '../options.js';
import { serveFlow } from './serve-flow.js';
import { checkReady, verifyOwner } from './subscription.js';

/** An adopted duplicator that lost its connection reconnects within this time, or is stopped. */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;

/** The answer to duplicator.subscribe. */
interface Subscribed {
  /** This app server has not started the duplicator itself. */
  readonly adopted: boolean;
  /** Consumers of the flow's previous duplicator that still have the flow open. */
  readonly consumers?: number;
}

export interface DuplicatorsOptions {
  readonly server: AppServerOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** The provider of this opening, which calls over HTTP, has closed its link. */
  readonly onLinkEnded: (opening: Opening) => void;
  /** Runs with every report, which carries the state of the flow's source. */
  readonly onReport: (flow: string, report: DuplicatorReport) => void;
}

export class Duplicators {
  readonly #options: DuplicatorsOptions;
  readonly #flows: FlowTable;
  readonly #openings: Openings;
  /** The permanent connections of duplicators, with the run of the flow that each belongs to. */
  readonly #connections = new WeakMap<object, { readonly flow: Flow; readonly pid: number }>();
  /** The newest connection of each flow's duplicator: calls to the duplicator take this one. */
  readonly #newest = new WeakMap<Flow, DuplicatorConnection>();

  constructor(options: DuplicatorsOptions, flows: FlowTable, openings: Openings) {
    this.#options = options;
    this.#flows = flows;
    this.#openings = openings;
  }

  /**
   * Adds the flows that an earlier app server has left: living duplicators will subscribe, dead
   * ones are started again when a client opens their flow.
   */
  expectRunning(): void {
    const { application, flowDirectory } = this.#options.server;
    const directory = appFlowDirectory(flowDirectory, application.name);
    const found = findFlows(directory, application.name).toSorted(
      (a, b) => Number(b.living) - Number(a.living),
    );
    for (const { definition, living } of found.slice(0, this.#flows.room)) {
      const flow = this.#flows.get(definition.flow) ?? this.#flows.add(definition, false);
      flow.inherited = true;
      if (living) flow.duplicator.expectOwner();
    }
  }

  /** Where the duplicator of a flow takes calls; undefined unless it runs and is connected. */
  connectionOf(name: string): DuplicatorConnection | undefined {
    const flow = this.#flows.get(name);
    return flow?.duplicator.ready === undefined ? undefined : this.#newest.get(flow);
  }

  /**
   * Makes the running duplicator of a flow listen for the duplicators of other hosts. Rejects with
   * NOT_RUNNING, and as serveFlow.
   */
  async serve(name: string): Promise<ServeResult> {
    const flow = this.#flows.get(name);
    const served = await serveFlow(this.#caller(name), this.#options.server.dataListen, flow?.servedPort);
    if (flow !== undefined)
      flow.servedPort = parseAddress(served.address, { schemes: ['tcp', 'tls'], listening: true }).port;
    return served;
  }

  /**
   * A flow that other hosts receive is served again at once, at the same port: receivers find it
   * without the host servers.
   */
  #serveAgain(name: string): void {
    this.serve(name).catch((error: unknown) => {
      this.#options.log.warn('a flow is not served to other hosts again', { flow: name, error });
    });
  }

  /**
   * Makes the running duplicator of a remote flow read another address. Rejects with NOT_RUNNING.
   */
  async redirect(name: string, source: string): Promise<void> {
    await this.#caller(name)('duplicator.redirect', [source]);
  }

  /** The consumer on a duplicator's signal link that sent `link` in its HELLO. */
  consumerOfLink(session: object, link: number): Opening | undefined {
    const flow = this.#servedBy(session);
    if (flow === undefined) return undefined;
    return this.#openings.ofFlow(flow.name).find((opening) => opening.link === link);
  }

  /**
   * Accepts a duplicator that is ready, or that has reconnected. Throws VERSION_MISMATCH or
   * REFUSED, upon which the duplicator ends.
   */
  subscribe(ready: DuplicatorReady, session: DuplicatorConnection): Subscribed {
    try {
      checkReady(ready, this.#options.server.application.name);
      const known = this.#flows.get(ready.flow);
      const adopted = known?.duplicator.subscribed(ready, session) !== true;
      const flow = adopted ? this.#adopt(ready, session) : known;
      if (flow !== undefined) {
        this.#connections.set(session, { flow, pid: ready.identity.pid });
        this.#newest.set(flow, session);
        if (flow.servedPort !== undefined) setImmediate(() => this.#serveAgain(flow.name));
      }
      if (ready.replacedDamage === true) this.#refuseForeignProvider(ready.flow);
      // An app server that has not seen the previous run does not have all of its consumers: some
      // may still have to reattach. The duplicator then relies on its flow file.
      if (adopted || flow === undefined || !flow.duplicator.hasPredecessor || flow.inherited)
        return { adopted };
      return { adopted, consumers: this.#openings.establishedConsumers(flow.name) };
    } catch (error) {
      this.#options.log.warn('a duplicator was refused', {
        flow: ready.flow,
        pid: ready.identity.pid,
        error,
      });
      if (error instanceof MirrorflowError) {
        this.#flows.get(ready.flow)?.duplicator.ownerRefused(error.message);
      }
      throw error;
    }
  }

  /** Passes on why a child cannot start. False when no start under way has that launch token. */
  startFailed(failure: StartFailure): boolean {
    const cause = errorOfStartFailure(failure);
    return this.#flows.all().some(({ duplicator }) => duplicator.startFailed(failure.launch, cause));
  }

  /** False when the report is of a run that has ended. */
  report(report: DuplicatorReport, session: object): boolean {
    const flow = this.#servedBy(session);
    if (flow !== undefined) this.#endClaimOfLink(flow, report);
    flow?.reported(report);
    if (flow !== undefined) this.#options.onReport(flow.name, report);
    return flow !== undefined;
  }

  /** Whether the duplicator on that connection may end: no client has its flow open. */
  mayEnd(session: object): boolean {
    const flow = this.#servedBy(session);
    if (flow === undefined || this.#openings.ofFlow(flow.name).length > 0) return false;
    flow.duplicator.released();
    return true;
  }

  /** Over HTTP nothing but the link shows that a provider has ended: its claim ends with it. */
  #endClaimOfLink({ name, providerLink }: Flow, { provider }: DuplicatorReport): void {
    if (providerLink === undefined || provider === providerLink) return;
    const opening = this.#openings
      .ofFlow(name)
      .find(({ direction, link }) => direction === 'output' && link === providerLink);
    if (opening?.client.connection === undefined && opening !== undefined) this.#options.onLinkEnded(opening);
  }

  #refuseForeignProvider(flow: string): void {
    const refused = this.#openings.refuseForeignProvider(flow, process.geteuid?.());
    if (refused === undefined) return;
    const { name, pid } = refused.client.presentation;
    this.#options.log.warn('a provider of another user must open its flow again: the file was damaged', {
      flow,
      client: name,
      pid,
    });
  }

  #caller(name: string): CallOf<MirrorflowContract> {
    const connection = this.connectionOf(name);
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

  /** Adopts a duplicator that this app server has not started. Throws REFUSED. */
  #adopt(ready: DuplicatorReady, session: DuplicatorConnection): Flow {
    const { server, clock, log } = this.#options;
    const { identity, definition: running } = verifyOwner(ready, server);
    const flow = this.#flows.get(ready.flow) ?? this.#flows.add(running, false);
    const process = new AdoptedProcess({
      identity,
      clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
      stopTimeoutMs: LIMITS.childStopTimeoutMs - QUIT_TIMEOUT_MS,
    });
    // A configured source or a present provider decides; otherwise the flow becomes what its
    // duplicator reports.
    const isDecided = flow.permanent || this.#openings.provider(flow.name) !== undefined;
    if (isDecided && !fits(running, flow.definition)) {
      log.warn('a duplicator does not fit its flow and is replaced', { flow: flow.name, pid: identity.pid });
      flow.duplicator.replace(process, session);
      return flow;
    }
    if (!isDecided || isRemote(flow.definition))
      flow.definition = { ...running, ...remoteOf(flow.definition) };
    flow.duplicator.adopt(process, ready, session);
    return flow;
  }
}

/** The host behind a remote flow, which no duplicator reports. */
function remoteOf({ remote }: FlowDefinition): Pick<FlowDefinition, 'remote'> {
  return remote === undefined ? {} : { remote };
}
