/**
 * The flows that this application knows, by name, and for how long it knows each: always, or while
 * its duplicator lives or anybody has it open.
 */
import type { Clock } from '../../protocol/base/clock.js';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { flowFilePath } from '../../protocol/base/paths.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { isAlive } from '../../protocol/base/owner-identity.js';
import type { FlowDefinition } from './flow-definition.js';
import type { FlowDuplicatorOptions } from '../children/flow-duplicator.js';
import { livingOwner, stopOwner } from './flow-files.js';
import { Flow } from './flow.js';
import { launchDuplicator } from './launch-duplicator.js';
import type { Openings } from './openings.js';
import type { AppServerOptions } from '../options.js';

/** Flows of one application: each is a process. */
const FLOWS_MAX = 256;

export interface FlowTableOptions {
  readonly server: AppServerOptions;
  /** Absolute path of the duplicator program, as it is now. */
  readonly duplicatorScript: () => string;
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

  /** Throws UNKNOWN_FLOW. */
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

  /** `permanent`: known also when nobody has it open. Throws LIMIT_REACHED. */
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

  /** A provider's flow is known while its duplicator lives or anybody has it open. */
  tidy(flow: Flow): void {
    const { name, permanent, duplicator } = flow;
    if (permanent || this.#flows.get(name) !== flow || !duplicator.isQuiet) return;
    if (this.#openings.ofFlow(name).length > 0) return;
    const file = flowFilePath(
      this.#options.server.flowDirectory,
      this.#options.server.application.name,
      name,
    );
    if (livingOwner(file) === undefined) this.#flows.delete(name);
  }

  #duplicatorOptions(name: string, flow: Flow): FlowDuplicatorOptions {
    const { server, duplicatorScript, clock, log } = this.#options;
    const file = flowFilePath(server.flowDirectory, server.application.name, name);
    return {
      title: `${server.application.name}/${name}`,
      clock,
      log,
      launch: () => {
        const child = launchDuplicator(flow.definition, server, duplicatorScript(), clock);
        log.info('starting a duplicator', { flow: `${server.application.name}/${name}`, pid: child.pid });
        return child;
      },
      livingOwner: () => livingOwner(file),
      stopOwner: () => stopOwner(file, clock),
      isAlive: ({ identity }) => isAlive(identityFromWire(identity)),
      isOpen: () => this.#openings.ofFlow(name).some(({ established }) => established),
      changed: () => this.tidy(flow),
    };
  }
}
