/**
 * The agreement between the app servers of one application on several hosts: a flow that is opened
 * here and provided elsewhere gets its data from the duplicator there (the process that owns the
 * flow's file), and a flow has at most one provider on all hosts together. The handlers in `calls/`
 * call it before an opening and for the questions of other hosts. Calls other app servers and the
 * duplicators of this host.
 */
import type { Clock } from '../../protocol/base/clock.js';
import type { Delivery } from '../../protocol/rpc/contract/deliveries.js';
import type { RemoteFlowState, RemoteServeResult } from '../../protocol/rpc/contract/hosts.js';
import type { DuplicatorReport, OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import {
  checkType,
  definitionOfProvider,
  isFromSite,
  isRemote,
  remoteDefinition,
  type FlowDefinition,
} from '../flows/flow-definition.js';
import type { Flows } from '../flows/flows.js';
import type { FarSite } from './far-site.js';
import { FlowLocator, HOPS_MAX } from './flow-locator.js';
import type { RemoteHosts } from './remote-hosts.js';
import { SourceFollower } from './source-follower.js';

export interface RemoteFlowsOptions {
  /**
   * The one host, or site, that every flow comes from which is not of this host; undefined: any
   * host.
   */
  readonly via: string | FarSite | undefined;
  readonly flows: Flows;
  readonly hosts: RemoteHosts;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The opening of a flow for a provider of this host, from its request to its outcome. */
interface Claim {
  /** Name of the provider. */
  readonly client: string;
  /**
   * Whether other hosts are being asked; until all have answered, a host whose name sorts first
   * wins.
   */
  isAsking: boolean;
  /** The host to which the claim was yielded, and its provider. */
  yieldedTo?: { readonly host: string; readonly client: string };
}

/** Where a flow of another host was served last. */
interface KnownFlow {
  readonly host: string;
  readonly type: string;
  readonly address: string;
}

/** Flows whose last place is remembered. */
const KNOWN_MAX = 256;

export class RemoteFlows {
  readonly #flows: Flows;
  readonly #hosts: RemoteHosts;
  readonly #log: Logger;
  readonly #site: FarSite | undefined;
  readonly #locator: FlowLocator;
  readonly #follower: SourceFollower;
  /** Flows whose opening for a provider is under way here. */
  readonly #claims = new Map<string, Claim>();
  /** Flows that were received here, by name; the oldest entries are forgotten. */
  readonly #known = new Map<string, KnownFlow>();

  constructor({ via, flows, hosts, clock, log }: RemoteFlowsOptions) {
    this.#flows = flows;
    this.#hosts = hosts;
    this.#log = log;
    this.#site = typeof via === 'object' ? via : undefined;
    this.#locator = new FlowLocator(hosts, typeof via === 'string' ? via : undefined);
    this.#follower = new SourceFollower(flows, this.#locator, clock, log);
    hosts.on('changed', () => this.#follower.searchNow());
  }

  /**
   * Before a flow is opened here: defines it when another host has it, and refuses a second
   * provider. Resolves with a function that must be called with the outcome of the opening. Rejects
   * with FLOW_BUSY naming the provider and its host, REFUSED, SOURCE_UNREACHABLE.
   */
  async prepare(client: string, request: OpenRequest): Promise<(opened: boolean) => void> {
    if (request.direction === 'output') return this.#prepareProvider(client, request);
    await this.#prepareConsumer(request.flow, HOPS_MAX);
    return () => undefined;
  }

  /**
   * See remote.claim. Of two hosts that claim at once each asks the other: while this one still
   * asks, the one whose name sorts first wins, so that exactly one of the openings succeeds.
   */
  async claim(host: string, name: string, client: string): Promise<RemoteFlowState> {
    const claim = this.#claims.get(name);
    const isFirst = this.#hosts.own !== undefined && host < this.#hosts.own;
    const isProvided = this.#flows.openings.provider(name) !== undefined;
    if (claim?.isAsking !== true || isProvided || !isFirst) return this.inquire(name, 0);
    claim.yieldedTo ??= { host, client };
    return { standing: 'none' };
  }

  /** See remote.inquire. */
  async inquire(name: string, hops: number): Promise<RemoteFlowState> {
    const flow = this.#flows.table.get(name);
    const claim = this.#claims.get(name);
    if (flow === undefined) {
      if (claim !== undefined) return { standing: 'provider', client: claim.client };
      const located = hops === 0 ? undefined : await this.#locator.locate(name, hops - 1);
      if (located === undefined) return { standing: 'none' };
      const { type } = located.answer;
      return { standing: 'remote', ...(type !== undefined && { type }) };
    }
    const { type, source, direction } = flow.definition;
    const provider = this.#flows.openings.provider(name)?.presentation;
    if (provider !== undefined) {
      return { standing: 'provider', type, client: provider.name, pid: provider.pid };
    }
    if (claim !== undefined) return { standing: 'provider', type, client: claim.client };
    if (isRemote(flow.definition)) return { standing: 'remote', type };
    if (direction === 'output') return { standing: 'idle', type };
    return { standing: 'source', type, ...(source !== undefined && { source }) };
  }

  /**
   * See remote.serve. Rejects with UNKNOWN_FLOW, or the reason why the duplicator cannot run or
   * listen.
   */
  async serve(flow: string, hops: number): Promise<RemoteServeResult> {
    if (hops > 0) await this.#prepareConsumer(flow, hops - 1);
    const { type } = await this.#flows.ready(flow);
    return { ...(await this.#flows.duplicators.serve(flow)), type };
  }

  /** See remote.provided: consumers here without a provider here get the data of that host. */
  provided(host: string, name: string): boolean {
    const flow = this.#flows.table.get(name);
    if (flow === undefined || flow.permanent) return false;
    const provider = this.#flows.openings.provider(name);
    if (provider !== undefined) {
      const client = provider.presentation.name;
      this.#log.warn('a flow is provided on two hosts', { flow: name, host, client });
      return false;
    }
    void this.#receiveFrom(host, name).catch((error: unknown) => {
      this.#log.warn('a flow of another host cannot be received', { flow: name, host, error });
    });
    return true;
  }

  /** A duplicator has reported the state of its source. */
  reported(flow: string, report: DuplicatorReport): void {
    this.#follower.reported(flow, report);
  }

  /** Delivers to the provider of a flow that another host has; false when there is none. */
  async deliverToProvider(flow: string, delivery: Delivery, hops: number): Promise<boolean> {
    const definition = this.#flows.table.get(flow)?.definition;
    if (definition === undefined || !isRemote(definition)) return false;
    if (isFromSite(definition)) return (await this.#site?.deliver(this.#hosts, flow, delivery)) ?? false;
    try {
      const host = definition.remote ?? (await this.#locator.locate(flow, hops))?.host;
      return (
        host !== undefined && (await this.#hosts.call(host, 'remote.tellProvider', [flow, delivery, hops]))
      );
    } catch (error) {
      this.#log.warn('a delivery to a provider on another host failed', {
        flow,
        kind: delivery.kind,
        error,
      });
      return false;
    }
  }

  stop(): void {
    this.#follower.stop();
  }

  async #prepareConsumer(name: string, hops: number): Promise<void> {
    const flow = this.#flows.table.get(name);
    if (flow !== undefined && isRemote(flow.definition)) {
      if (flow.duplicator.isIdle && !isFromSite(flow.definition))
        await this.#refreshSource(name, flow.definition);
      return;
    }
    const isProvidedHere = this.#flows.openings.provider(name) !== undefined || this.#claims.has(name);
    if (flow?.permanent === true || isProvidedHere) return;
    if (this.#site !== undefined) {
      const found = flow === undefined ? await this.#site.find(name) : undefined;
      if (found !== undefined && this.#flows.table.get(name) === undefined) this.#flows.table.define(found);
      return;
    }
    const located = this.#hosts.names.length === 0 ? undefined : await this.#locator.locate(name, hops);
    if (located === undefined) return this.#receiveFromLastKnown(name);
    // While no host has a provider, the ring here holds as much as the ring there.
    if (flow !== undefined && located.answer.standing === 'idle') return;
    await this.#receiveFrom(located.host, name);
  }

  async #prepareProvider(client: string, request: OpenRequest): Promise<(opened: boolean) => void> {
    const { flow: name } = request;
    if (this.#hosts.names.length === 0) return () => undefined;
    const isClaimed = this.#claims.has(name);
    const claim = this.#claims.get(name) ?? { client, isAsking: true };
    if (!isClaimed) this.#claims.set(name, claim);
    const release = (): void => void (!isClaimed && this.#claims.delete(name));
    try {
      const flow = this.#flows.table.get(name);
      if (this.#flows.openings.provider(name) === undefined) {
        for (const { host, result } of await this.#hosts.all('remote.claim', [name, client])) {
          refuseProvider(name, host, result);
        }
      }
      if (claim.yieldedTo !== undefined)
        refuseProvider(name, claim.yieldedTo.host, { standing: 'provider', client: claim.yieldedTo.client });
      claim.isAsking = false;
      if (flow !== undefined && isRemote(flow.definition) && !flow.permanent) {
        checkType(flow.definition, request);
        this.#flows.table.define(definitionOfProvider(request));
      }
    } catch (error) {
      release();
      throw error;
    }
    return (opened) => {
      release();
      if (opened) void this.#hosts.all('remote.provided', [name]);
    };
  }

  /** Makes a host serve a flow, and that address the source of the flow here. */
  async #receiveFrom(host: string, name: string): Promise<void> {
    const { address, type } = await this.#locator.serveOn(host, name);
    this.#remember(name, { host, type, address });
    if (this.#flows.openings.provider(name) !== undefined) return;
    const definition = this.#flows.table.get(name)?.definition;
    if (definition === undefined || !isRemote(definition)) {
      this.#flows.table.define(remoteDefinition(name, type, host, address));
    } else if (definition.source !== address) await this.#follower.redirect(name, host, address);
  }

  /** While the host that had a flow last cannot be asked, since its host server is down. */
  #receiveFromLastKnown(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined || this.#hosts.names.includes(known.host)) return;
    if (this.#flows.table.get(name) !== undefined) return;
    const { host, type, address } = known;
    this.#log.info('a flow is received from where it was served last', { flow: name, host, address });
    this.#flows.table.define(remoteDefinition(name, type, host, address));
  }

  #remember(name: string, known: KnownFlow): void {
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
  }

  /**
   * Looks up the source of a remote flow that has no duplicator now. The last known address is kept
   * when the lookup fails.
   */
  async #refreshSource(flow: string, { remote, source }: FlowDefinition): Promise<void> {
    try {
      const host = remote ?? (await this.#locator.locate(flow, HOPS_MAX))?.host;
      if (host === undefined) return;
      const { address } = await this.#locator.serveOn(host, flow);
      this.#flows.table.setSource(flow, address);
    } catch (error) {
      this.#log.info('the source of a remote flow was not located', { flow, error: describeError(error) });
      if (source !== undefined) return;
      throw isMirrorflowError(error, 'UNKNOWN_HOST') ? unreachable(flow, error) : error;
    }
  }
}

/** Throws FLOW_BUSY naming the provider and its host, REFUSED for a flow that a SpecTcl fills. */
function refuseProvider(
  flow: string,
  host: string,
  { standing, client, pid, source }: RemoteFlowState,
): void {
  if (standing === 'provider') {
    const provider = `client ${client ?? '?'}${pid === undefined ? '' : ` (process ${pid})`}`;
    throw new MirrorflowError(
      'FLOW_BUSY',
      `flow ${flow} has a provider already: ${provider} on host ${host}`,
      { flow, host, client: client ?? '' },
    );
  }
  if (standing !== 'source') return;
  throw new MirrorflowError(
    'REFUSED',
    `flow ${flow} gets its data from ${source ?? 'a source'} on host ${host}; it takes no provider`,
    { flow, host },
  );
}

function unreachable(flow: string, cause: MirrorflowError): MirrorflowError {
  return new MirrorflowError('SOURCE_UNREACHABLE', `flow ${flow}: ${cause.message}`, { flow }, cause);
}
