/**
 * Flows between hosts, as the app servers of one application agree on them: a flow that is opened
 * here and provided elsewhere gets its data from the duplicator there, and a flow has one provider
 * on all hosts together. It finds, serves, and follows: when the other duplicator listens somewhere
 * else, the one here is sent after it.
 */
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import type { Clock } from '../../protocol/base/clock.js';
import type { Delivery } from '../../protocol/rpc/contract/deliveries.js';
import type { FlowElsewhere, ServedElsewhere } from '../../protocol/rpc/contract/hosts.js';
import type { DuplicatorReady, DuplicatorReport, OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { Logger } from '../../protocol/base/log.js';
import {
  definitionOfProvider,
  isRemote,
  remoteDefinition,
  type FlowDefinition,
} from '../flows/flow-definition.js';
import type { RemoteHosts } from './remote-hosts.js';

/** Over how many hosts a flow may be looked for where one host takes what it has from another. */
const HOPS_MAX = 8;
/** Starting a duplicator on the other host included. */
const SERVE_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs - 2_000;
/** How often the other host is asked where a flow is, while it does not come. */
const FOLLOW_MS = 1_000;

/** A flow as it is here. */
export interface FlowHere {
  readonly definition: FlowDefinition;
  readonly permanent: boolean;
  readonly running: boolean;
  readonly provider: { readonly name: string; readonly pid: number } | undefined;
}

/** What this needs of the flows of this host. */
export interface FlowsHere {
  here(flow: string): FlowHere | undefined;
  /** Defines a flow, or defines it anew: a duplicator of another definition is stopped. */
  define(definition: FlowDefinition): void;
  /** Where its data come from now; the duplicator that runs goes on. */
  moved(flow: string, source: string): void;
  /** Starts its duplicator where needed. */
  ready(flow: string): Promise<DuplicatorReady>;
  /** See duplicator.serve. */
  serve(flow: string): Promise<{ readonly address: string; readonly epoch: number }>;
  /** See duplicator.redirect. */
  redirect(flow: string, source: string): Promise<void>;
}

export interface RemoteFlowsOptions {
  readonly application: string;
  /** The host that all flows come from which are not of this one. */
  readonly via: string | undefined;
  readonly flows: FlowsHere;
  readonly hosts: RemoteHosts;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Located {
  readonly host: string;
  readonly found: FlowElsewhere;
}

export class RemoteFlows {
  readonly #options: RemoteFlowsOptions;
  /** Flows that somebody is about to provide here. */
  readonly #claims = new Map<string, string>();
  /** Flows whose source is looked for, and what ends the wait between two looks. */
  readonly #following = new Map<string, () => void>();
  /** Flows of other hosts whose duplicator here is cut off. */
  readonly #stale = new Set<string>();
  #stopped = false;

  constructor(options: RemoteFlowsOptions) {
    this.#options = options;
    options.hosts.on('changed', () => {
      for (const wake of this.#following.values()) wake();
    });
  }

  /**
   * Before a flow is opened here: makes it known when it is on another host, and keeps a second
   * provider away. Resolves with what is to be called when it has been opened. Rejects with
   * FLOW_BUSY naming the provider and its host, REFUSED, SOURCE_UNREACHABLE.
   */
  async prepare(client: string, request: OpenRequest): Promise<(opened: boolean) => void> {
    if (request.direction === 'output') return this.#prepareProvider(client, request);
    await this.#prepareConsumer(request.flow, HOPS_MAX);
    return () => undefined;
  }

  /** See remote.inquire. */
  async inquire(flow: string, hops: number): Promise<FlowElsewhere> {
    const here = this.#options.flows.here(flow);
    const claim = this.#claims.get(flow);
    if (here === undefined) {
      if (claim !== undefined) return { standing: 'provider', client: claim };
      const elsewhere = hops === 0 ? undefined : await this.#locate(flow, hops - 1);
      if (elsewhere === undefined) return { standing: 'none' };
      const { type } = elsewhere.found;
      return { standing: 'remote', ...(type !== undefined && { type }) };
    }
    const { definition, provider } = here;
    const { type, source } = definition;
    if (provider !== undefined) {
      return { standing: 'provider', type, client: provider.name, pid: provider.pid };
    }
    if (claim !== undefined) return { standing: 'provider', type, client: claim };
    if (isRemote(definition)) return { standing: 'remote', type };
    if (definition.direction === 'output') return { standing: 'idle', type };
    return { standing: 'source', type, ...(source !== undefined && { source }) };
  }

  /**
   * See remote.serve. Rejects with UNKNOWN_FLOW, and with why the duplicator cannot run or listen.
   */
  async serve(flow: string, hops: number): Promise<ServedElsewhere> {
    if (hops > 0) await this.#prepareConsumer(flow, hops - 1);
    const { type } = await this.#options.flows.ready(flow);
    return { ...(await this.#options.flows.serve(flow)), type };
  }

  /** See remote.provided: consumers here that have no provider here get what is provided there. */
  provided(host: string, flow: string): boolean {
    const { flows, log } = this.#options;
    const here = flows.here(flow);
    if (here === undefined || here.permanent) return false;
    if (here.provider !== undefined) {
      log.warn('a flow is provided on two hosts', { flow, host, client: here.provider.name });
      return false;
    }
    void this.#take(flow, host).catch((error: unknown) => {
      log.warn('a flow that is provided elsewhere could not be taken', { flow, host, error });
    });
    return true;
  }

  /**
   * A duplicator has told the state of its source: one that is cut off may have to go somewhere
   * else.
   */
  reported(flow: string, { sourceState }: DuplicatorReport): void {
    const definition = this.#options.flows.here(flow)?.definition;
    if (definition === undefined || !isRemote(definition)) return;
    if (sourceState === 'stale') {
      this.#stale.add(flow);
      void this.#follow(flow);
    } else {
      this.#stale.delete(flow);
      this.#following.get(flow)?.();
    }
  }

  /** Something for the provider of a flow that another host has. */
  async tellProvider(flow: string, delivery: Delivery, hops: number): Promise<boolean> {
    const { flows, hosts, log } = this.#options;
    const definition = flows.here(flow)?.definition;
    if (definition === undefined || !isRemote(definition)) return false;
    try {
      const host = definition.remote ?? (await this.#locate(flow, hops))?.host;
      return host !== undefined && (await hosts.call(host, 'remote.tellProvider', [flow, delivery, hops]));
    } catch (error) {
      log.warn('a provider on another host was not told', { flow, kind: delivery.kind, error });
      return false;
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const wake of this.#following.values()) wake();
  }

  async #prepareConsumer(flow: string, hops: number): Promise<void> {
    const { flows, hosts } = this.#options;
    const here = flows.here(flow);
    if (here !== undefined && isRemote(here.definition)) {
      if (!here.running) await this.#refresh(flow, here.definition);
      return;
    }
    if (here?.permanent === true || here?.provider !== undefined || hosts.names.length === 0) return;
    if (this.#claims.has(flow)) return;
    const located = await this.#locate(flow, hops);
    if (located === undefined) return;
    // The ring of this host holds as much as that of the other one, as long as nobody provides the
    // flow there either.
    if (here !== undefined && located.found.standing === 'idle') return;
    await this.#take(flow, located.host);
  }

  async #prepareProvider(client: string, request: OpenRequest): Promise<(opened: boolean) => void> {
    const { flow } = request;
    const { hosts, flows } = this.#options;
    if (hosts.names.length === 0) return () => undefined;
    const mine = this.#claims.has(flow) ? undefined : client;
    if (mine !== undefined) this.#claims.set(flow, client);
    const release = (): void => void (mine !== undefined && this.#claims.delete(flow));
    try {
      const here = flows.here(flow);
      if (here?.provider === undefined) {
        for (const { host, result } of await hosts.all('remote.inquire', [flow, 0])) {
          refuseProvider(flow, host, result);
        }
      }
      if (here !== undefined && isRemote(here.definition) && !here.permanent) {
        refuseOtherType(here.definition, request);
        flows.define(definitionOfProvider(request));
      }
    } catch (error) {
      release();
      throw error;
    }
    return (opened) => {
      release();
      if (opened) void hosts.all('remote.provided', [flow]);
    };
  }

  /**
   * The host to have a flow from. With `via` there is one, whatever it has the flow from itself.
   */
  async #locate(flow: string, hops: number): Promise<Located | undefined> {
    const { hosts, via } = this.#options;
    if (via !== undefined) {
      const found = await hosts.call(via, 'remote.inquire', [flow, hops]);
      return found.standing === 'none' ? undefined : { host: via, found };
    }
    const answers = await hosts.all('remote.inquire', [flow, 0]);
    for (const wanted of ['provider', 'source', 'idle'] as const) {
      const answer = answers.find(({ result }) => result.standing === wanted);
      if (answer !== undefined) return { host: answer.host, found: answer.result };
    }
    return undefined;
  }

  /** Has a flow served by that host and makes it this one's. */
  async #take(flow: string, host: string): Promise<void> {
    const { flows } = this.#options;
    const { address, type } = await this.#servedBy(host, flow);
    const here = flows.here(flow);
    if (here?.provider !== undefined) return;
    if (here === undefined || !isRemote(here.definition)) {
      flows.define(remoteDefinition(flow, type, host, address));
    } else if (here.definition.source !== address) await this.#move(flow, host, address);
  }

  /** Where that host serves a flow, as this one reaches it. */
  async #servedBy(host: string, flow: string): Promise<ServedElsewhere> {
    const { hosts } = this.#options;
    const served = await hosts.call(host, 'remote.serve', [flow, HOPS_MAX - 1], {
      timeoutMs: SERVE_TIMEOUT_MS,
    });
    const listening = parseAddress(served.address, { schemes: ['tcp', 'tls'] });
    // It may listen on all of its addresses; this is the one it is known by here.
    return { ...served, address: formatAddress({ ...listening, host: hosts.addressOf(host) }) };
  }

  /**
   * A remote flow without a duplicator: it is looked up anew; what was known of it is better than
   * nothing.
   */
  async #refresh(flow: string, { remote, source }: FlowDefinition): Promise<void> {
    const { flows, log } = this.#options;
    try {
      const host = remote ?? (await this.#locate(flow, HOPS_MAX))?.host;
      if (host === undefined) return;
      const { address } = await this.#servedBy(host, flow);
      flows.moved(flow, address);
    } catch (error) {
      log.info('a flow of another host was not found anew', { flow, error: describeError(error) });
      if (source !== undefined) return;
      throw isMirrorflowError(error, 'UNKNOWN_HOST') ? unreachable(flow, error) : error;
    }
  }

  /** Asks where the flow is until it comes again, or nobody here wants it. */
  async #follow(flow: string): Promise<void> {
    if (this.#following.has(flow)) return;
    this.#following.set(flow, () => undefined);
    while (this.#isLost(flow)) {
      await this.#lookAgain(flow);
      if (this.#isLost(flow)) await this.#pause(flow);
    }
    this.#following.delete(flow);
  }

  #isLost(flow: string): boolean {
    const here = this.#options.flows.here(flow);
    if (this.#stopped || !this.#stale.has(flow) || here === undefined) return false;
    return here.running && isRemote(here.definition);
  }

  async #lookAgain(flow: string): Promise<void> {
    const { log, flows } = this.#options;
    try {
      const host = (await this.#locate(flow, HOPS_MAX))?.host ?? flows.here(flow)?.definition.remote;
      if (host === undefined) return;
      const { address } = await this.#servedBy(host, flow);
      if (address !== flows.here(flow)?.definition.source) await this.#move(flow, host, address);
    } catch (error) {
      log.debug('a flow of another host is looked for', { flow, error });
    }
  }

  async #move(flow: string, host: string, address: string): Promise<void> {
    const { flows, log } = this.#options;
    log.info('a flow of another host is somewhere else now', { flow, host, address });
    flows.moved(flow, address);
    await flows.redirect(flow, address);
  }

  #pause(flow: string): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(FOLLOW_MS, resolve, true);
      this.#following.set(flow, () => {
        cancel();
        resolve();
      });
    });
  }
}

/** Throws FLOW_BUSY naming the provider and its host, REFUSED for a flow that a SpecTcl fills. */
function refuseProvider(flow: string, host: string, { standing, client, pid, source }: FlowElsewhere): void {
  if (standing === 'provider') {
    const who = `client ${client ?? '?'}${pid === undefined ? '' : ` (process ${pid})`}`;
    throw new MirrorflowError('FLOW_BUSY', `flow ${flow} has a provider already: ${who} on host ${host}`, {
      flow,
      host,
      client: client ?? '',
    });
  }
  if (standing !== 'source') return;
  throw new MirrorflowError(
    'REFUSED',
    `flow ${flow} gets its data from ${source ?? 'a source'} on host ${host}; it takes no provider`,
    { flow, host },
  );
}

/** Throws WRONG_FLOW_TYPE: those who have it open here read it as what it is. */
function refuseOtherType({ flow, type }: FlowDefinition, request: OpenRequest): void {
  if (request.type === undefined || request.type === type) return;
  throw new MirrorflowError(
    'WRONG_FLOW_TYPE',
    `flow ${flow} has type ${type}, and was to be opened as ${request.type}`,
    { flow, found: type, expected: request.type },
  );
}

function unreachable(flow: string, cause: MirrorflowError): MirrorflowError {
  return new MirrorflowError('SOURCE_UNREACHABLE', `flow ${flow}: ${cause.message}`, { flow }, cause);
}
