/**
 * The flows of this application by name, and how long each stays: the application's own mirror
 * always, the others while their duplicator (the process that owns the flow's file) lives or a
 * client has them open. Owned by `flows.ts`; read by statistics, messages and `remote/`. Starts and
 * stops duplicators through the flows that it creates; inspects flow files.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import type { ConsumerRow } from '../../protocol/flow/flow-file/consumer-table.js';
import type { FlowInfo } from '../../protocol/rpc/contract/shapes.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { SpareProcess } from '../../protocol/host/process-kit/spare-process.js';
import type { Logger } from '../../protocol/base/log.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import { isSiteAddress } from '../../protocol/nats/site-address.js';
import { remoteDefinition, SPECTRA, spectraDefinition, type FlowDefinition } from './flow-definition.js';
import type { FlowDuplicatorOptions } from '../children/flow-duplicator.js';
import { stopOwner } from '../../protocol/host/clean-up/orphans.js';
import { livingOwner } from './flow-files.js';
import { Flow } from './flow.js';
import { launchDuplicator } from './launch-duplicator.js';
import type { Openings } from './openings.js';
import type { AppServerOptions } from '../options.js';

/** Flows of one application: each is a process. */
const FLOWS_MAX = 256;

export interface FlowTableOptions {
  readonly server: AppServerOptions;
  /** Absolute path of the duplicator program, resolved at every start. */
  readonly duplicatorScript: () => string;
  /** A duplicator that waits for its flow. */
  readonly spare: SpareProcess | undefined;
  readonly clock: Clock;
  readonly log: Logger;
}

export class FlowTable {
  readonly #options: FlowTableOptions;
  readonly #openings: Openings;
  readonly #flows = new Map<string, Flow>();

  constructor(options: FlowTableOptions, openings: Openings) {
    this.#options = options;
    this.#openings = openings;
    const { source, via } = options.server.application;
    if (source !== undefined) this.add(spectraDefinition(source), true);
    else if (via !== undefined && isSiteAddress(via)) this.add(spectraDefinition(via), true);
    else if (via !== undefined) this.add(remoteDefinition(SPECTRA, SPECTRA, via), true);
  }

  all(): Flow[] {
    return [...this.#flows.values()];
  }

  /** Flows that can still be added. */
  get room(): number {
    return FLOWS_MAX - this.#flows.size;
  }

  get(name: string): Flow | undefined {
    return this.#flows.get(name);
  }

  /** Throws UNKNOWN_FLOW with the names that exist. */
  find(name: string): Flow {
    const flow = this.#flows.get(name);
    if (flow !== undefined) return flow;
    const names = [...this.#flows.keys()].toSorted().join(', ');
    throw new MirrorflowError(
      'UNKNOWN_FLOW',
      `application ${this.#options.server.application.name} has no flow ${name}; ${names === '' ? 'it has none at all' : `its flows are: ${names}`}`,
      { flow: name },
    );
  }

  /** All flows in the order of their names. */
  list(): FlowInfo[] {
    const names = this.all().map(({ name }) => name);
    return names.toSorted().map((name) => this.inquire(name));
  }

  /** Throws UNKNOWN_FLOW. */
  inquire(name: string): FlowInfo {
    const flow = this.find(name);
    const info = flow.info(this.#openings.clientsOf(name));
    const openings = this.#openings.ofFlow(name);
    const holding = flow.holding.map(({ client, peer }) => {
      const opening = openings.find(({ link }) => link === client);
      return peer ?? opening?.client.presentation.name ?? `client ${client ?? 0}`;
    });
    return holding.length === 0 ? info : { ...info, holding };
  }

  /** Throws UNKNOWN_FLOW, and as Flow.statistics. */
  statistics(name: string): Record<string, number> {
    return this.find(name).statistics(this.#options.clock);
  }

  /** What the flow file shows of its consumers. Throws UNKNOWN_FLOW, and as Flow.consumers. */
  consumers(name: string): { readonly published: number; readonly rows: readonly ConsumerRow[] } {
    return this.find(name).consumers();
  }

  /** Names of the flows that have a process or that a client has open. */
  namesInUse(): ReadonlySet<string> {
    const used = this.list().filter(
      ({ state, clients }) => (state !== 'idle' && state !== 'failed') || clients > 0,
    );
    return new Set(used.map(({ flow }) => flow));
  }

  /** `permanent`: the flow stays when no client has it open. Throws LIMIT_REACHED. */
  add(definition: FlowDefinition, permanent: boolean): Flow {
    if (this.#flows.size >= FLOWS_MAX) {
      throw new MirrorflowError('LIMIT_REACHED', `an application has at most ${FLOWS_MAX} flows`, {
        flows: FLOWS_MAX,
      });
    }
    const flow = new Flow(definition, permanent, (owner) => this.#duplicatorOptions(definition.flow, owner));
    this.#flows.set(definition.flow, flow);
    return flow;
  }

  /**
   * Adds a flow, or replaces the definition of an existing one: its duplicator is stopped then, and
   * its clients reattach to the next one. Throws LIMIT_REACHED.
   */
  define(definition: FlowDefinition): void {
    const flow = this.#flows.get(definition.flow);
    if (flow === undefined) {
      this.add(definition, false);
      return;
    }
    flow.definition = definition;
    flow.duplicator.retire();
  }

  /** Replaces the source of a remote flow; a running duplicator is not stopped. */
  setSource(name: string, source: string): void {
    const flow = this.#flows.get(name);
    if (flow !== undefined) flow.definition = { ...flow.definition, source };
  }

  /** Removes a flow that is not permanent, unless its duplicator lives or a client has it open. */
  removeIfUnused(flow: Flow): void {
    const { name, permanent, duplicator } = flow;
    if (permanent || this.#flows.get(name) !== flow || !duplicator.isIdle) return;
    if (this.#openings.ofFlow(name).length > 0) return;
    const file = flowFilePath(
      this.#options.server.flowDirectory,
      this.#options.server.application.name,
      name,
    );
    if (livingOwner(file) === undefined) this.#flows.delete(name);
  }

  removeUnused(): void {
    for (const flow of this.all()) this.removeIfUnused(flow);
  }

  /** Stops every duplicator; openings that wait for one fail with STOPPED. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#options.spare?.close(),
      ...this.all().map(({ duplicator }) => duplicator.close()),
    ]);
  }

  #duplicatorOptions(name: string, flow: Flow): FlowDuplicatorOptions {
    const { server, duplicatorScript, spare, clock, log } = this.#options;
    const file = flowFilePath(server.flowDirectory, server.application.name, name);
    return {
      title: `${server.application.name}/${name}`,
      clock,
      log,
      launch: () => {
        const child = launchDuplicator(flow.definition, server, duplicatorScript(), spare, clock);
        log.info('starting a duplicator', { flow: `${server.application.name}/${name}`, pid: child.pid });
        return child;
      },
      livingOwner: () => livingOwner(file),
      stopOwner: () => stopOwner(file, clock),
      isAlive: ({ identity }) => isAlive(identityFromWire(identity)),
      isOpen: () => this.#openings.ofFlow(name).some(({ established }) => established),
      changed: () => this.removeIfUnused(flow),
    };
  }
}
