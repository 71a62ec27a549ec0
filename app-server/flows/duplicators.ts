/**
 * The duplicators of this application's flows: those that it started and those that it finds
 * running subscribe, report, are called, and may end.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { DuplicatorReady, DuplicatorReport, StartFailure } from '../../protocol/rpc/contract/shapes.js';
import { appFlowDirectory } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { QUIT_TIMEOUT_MS, type DuplicatorConnection } from '../children/flow-duplicator.js';
import { AdoptedProcess } from '../../protocol/host/process-kit/adopted-process.js';
import { errorOfStartFailure } from '../../protocol/host/process-kit/failed-start.js';
import { isRemote, serves, type FlowDefinition } from './flow-definition.js';
import { findFlows } from './flow-files.js';
import type { FlowTable } from './flow-table.js';
import type { Flow } from './flow.js';
import type { Opening, Openings } from './openings.js';
import type { AppServerOptions } from '../options.js';
import { checkFound, checkReady } from './subscription.js';

/**
 * An adopted duplicator that lost its connection connects again within this time, or is stopped.
 */
const ADOPTED_RECONNECTS_WITHIN_MS = 3_000;

/** What a duplicator that says that it is ready is answered. */
interface Subscribed {
  readonly adopted: boolean;
  /** Consumers of the one before that still have the flow open. */
  readonly consumers?: number;
}

export interface DuplicatorsOptions {
  readonly server: AppServerOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** A duplicator has told the state of its source. */
  readonly reported: (flow: string, report: DuplicatorReport) => void;
}

export class Duplicators {
  readonly #options: DuplicatorsOptions;
  readonly #flows: FlowTable;
  readonly #openings: Openings;
  /** The permanent connections of duplicators, and which run of which flow each belongs to. */
  readonly #connections = new WeakMap<object, { readonly flow: Flow; readonly pid: number }>();
  /** The newest connection of each flow's duplicator, which calls to it take. */
  readonly #duplicators = new WeakMap<Flow, DuplicatorConnection>();

  constructor(options: DuplicatorsOptions, flows: FlowTable, openings: Openings) {
    this.#options = options;
    this.#flows = flows;
    this.#openings = openings;
  }

  /**
   * Looks for the flows that an earlier app server has left: duplicators that run will subscribe,
   * others are started when somebody comes back.
   */
  expectRunning(): void {
    const { application, flowDirectory } = this.#options.server;
    const directory = appFlowDirectory(flowDirectory, application.name);
    const found = findFlows(directory, application.name).toSorted(
      (a, b) => Number(b.living) - Number(a.living),
    );
    for (const { definition, living } of found.slice(0, this.#flows.room)) {
      const flow = this.#flows.get(definition.flow) ?? this.#flows.add(definition, false);
      flow.found = true;
      if (living) flow.duplicator.expectOwner();
    }
  }

  /** Where the duplicator of a flow takes calls, if it runs and is connected. */
  of(name: string): DuplicatorConnection | undefined {
    const flow = this.#flows.get(name);
    return flow?.duplicator.ready === undefined ? undefined : this.#duplicators.get(flow);
  }

  /** Calls the running duplicator of a flow. Throws NOT_RUNNING. */
  caller(name: string): CallOf<MirrorflowContract> {
    const connection = this.of(name);
    if (connection !== undefined) return callerOf(CONTRACT, connection);
    throw new MirrorflowError('NOT_RUNNING', `the duplicator of flow ${name} does not run now`, {
      flow: name,
    });
  }

  /** The consumer on a duplicator's signal link that said `link` in its HELLO. */
  consumerOfLink(session: object, link: number): Opening | undefined {
    const flow = this.#servedBy(session);
    if (flow === undefined) return undefined;
    return this.#openings.ofFlow(flow.name).find((opening) => opening.link === link);
  }

  /**
   * A duplicator is ready, or has found this app server again. Throws VERSION_MISMATCH or REFUSED.
   */
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
      // Only who saw the one before run knows its consumers; to a restarted app server they may
      // have yet to come. The file tells the most of it.
      if (adopted || flow === undefined || !flow.duplicator.follows || flow.found) return { adopted };
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
  startFailed(failure: StartFailure): boolean {
    const cause = errorOfStartFailure(failure);
    return this.#flows.all().some(({ duplicator }) => duplicator.startFailed(failure.launch, cause));
  }

  report(report: DuplicatorReport, session: object): boolean {
    const flow = this.#servedBy(session);
    flow?.reported(report);
    if (flow !== undefined) this.#options.reported(flow.name, report);
    return flow !== undefined;
  }

  /**
   * Whether the duplicator on that connection may end: true only if nobody has its flow open, or
   * waits for it.
   */
  mayEnd(session: object): boolean {
    const flow = this.#servedBy(session);
    if (flow === undefined || this.#openings.ofFlow(flow.name).length > 0) return false;
    flow.duplicator.released();
    return true;
  }

  #servedBy(session: object): Flow | undefined {
    const connection = this.#connections.get(session);
    if (connection === undefined) {
      throw new MirrorflowError('REFUSED', 'this connection is of no duplicator; it must subscribe first');
    }
    const { flow, pid } = connection;
    return flow.duplicator.ready !== undefined && flow.duplicator.pid === pid ? flow : undefined;
  }

  /**
   * Takes over a duplicator that this app server has not started, if it really is its flow's owner.
   */
  #adopt(ready: DuplicatorReady, session: DuplicatorConnection): Flow {
    const { server, clock, log } = this.#options;
    const { identity, definition: found } = checkFound(ready, server);
    const flow = this.#flows.get(ready.flow) ?? this.#flows.add(found, false);
    const process = new AdoptedProcess({
      identity,
      clock,
      reconnectWithinMs: ADOPTED_RECONNECTS_WITHIN_MS,
      stopTimeoutMs: LIMITS.childStopTimeoutMs - QUIT_TIMEOUT_MS,
    });
    // What a source or a provider asks for decides; otherwise the flow is what its duplicator says.
    const decided = flow.permanent || this.#openings.provider(flow.name) !== undefined;
    if (decided && !serves(found, flow.definition)) {
      log.warn('a duplicator does not fit its flow and is replaced', { flow: flow.name, pid: identity.pid });
      flow.duplicator.replace(process, session);
      return flow;
    }
    if (!decided || isRemote(flow.definition)) flow.definition = { ...found, ...remoteOf(flow.definition) };
    flow.duplicator.adopt(process, ready, session);
    return flow;
  }
}

/** The host behind a remote flow, which no duplicator tells. */
function remoteOf({ remote }: FlowDefinition): Pick<FlowDefinition, 'remote'> {
  return remote === undefined ? {} : { remote };
}
