/**
 * The connected hosts as one network: what runs where, starting and stopping applications on other
 * hosts, and the calls that app servers of one application make to each other through their host
 * servers. Called by the handlers beside it; makes XML-RPC calls on existing connections only.
 */
import type { HostOnNetwork, RelayedCall } from '../../protocol/rpc/contract/hosts.js';
import {
  applicationInfo,
  type ApplicationInfo,
  type ApplicationOptions,
} from '../../protocol/rpc/contract/shapes.js';
import { SITE_METHODS, type SiteHost } from '../../protocol/rpc/contract/sites.js';
import { describeError, isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';
import type { Applications } from '../applications/applications.js';
import type { Peer } from '../peers/connected-peer.js';
import type { Peers, UnreachablePeer } from '../peers/peers.js';
import type { Sites } from '../peers/sites.js';

/** Time in which another host must answer what runs there. */
const ANSWER_TIMEOUT_MS = 2_000;
/** Each host on the way of a call times out after the next one, so that the cause arrives. */
const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 2_000;
const STOP_TIMEOUT_MS = 4 * LIMITS.childStopTimeoutMs + 1_000;
const FORWARD_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs + 1_000;
/** Relayed calls of one application under way at the same time. */
const RELAYED_MAX = 256;

export interface OwnHost {
  readonly name: string;
  readonly version: string;
  readonly startedAt: Date;
}

export class Network {
  readonly #own: OwnHost;
  readonly #applications: Applications;
  readonly #peers: Peers;
  readonly #sites: Sites;
  /** Relayed calls under way, by application. */
  readonly #underway = new Map<string, number>();

  constructor(own: OwnHost, applications: Applications, peers: Peers, sites: Sites) {
    this.#own = own;
    this.#applications = applications;
    this.#peers = peers;
    this.#sites = sites;
  }

  /** See host.network. */
  async hosts(): Promise<HostOnNetwork[]> {
    const { name, version, startedAt } = this.#own;
    const own = {
      host: name,
      own: true,
      connected: true,
      version,
      since: startedAt,
      applications: this.#applications.list(),
    };
    const connected = await Promise.all(this.#peers.list().map((peer) => this.#inquire(peer)));
    const far = this.#sites.list().map(([far, siteHost]) => farOnNetwork(far, siteHost));
    return [own, ...connected, ...this.#peers.unreachable().map(unreachableOnNetwork), ...far];
  }

  /** See host.run. Throws UNKNOWN_HOST. */
  run(options: ApplicationOptions, host: string | undefined): Promise<ApplicationInfo> {
    if (this.#isHere(host)) return this.#applications.run(options);
    if (this.#isFar(host)) return this.#startFar(options, host);
    return this.#peers.peer(host).call('host.run', [options], { timeoutMs: START_TIMEOUT_MS });
  }

  /** See host.stop. Throws UNKNOWN_HOST. */
  stop(name: string, host: string | undefined): Promise<ApplicationInfo> {
    if (this.#isHere(host)) return this.#applications.stop(name);
    if (this.#isFar(host)) refuseFar(host, 'stop applications');
    return this.#peers.peer(host).call('host.stop', [name], { timeoutMs: STOP_TIMEOUT_MS });
  }

  /**
   * See host.relay: from the app server of `application` here to the one on `host`. Rejects with
   * LIMIT_REACHED, UNKNOWN_HOST.
   */
  async relay(application: string, host: string, call: RelayedCall): Promise<RpcValue> {
    const underway = this.#underway.get(application) ?? 0;
    if (underway >= RELAYED_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `${RELAYED_MAX} calls of ${application} for other hosts are under way already`,
        { application, limit: RELAYED_MAX },
      );
    }
    this.#underway.set(application, underway + 1);
    try {
      const options = { timeoutMs: FORWARD_TIMEOUT_MS };
      if (this.#isFar(host)) return await this.#relayFar(application, host, call);
      return await this.#peers.peer(host).call('host.forward', [application, call], options);
    } finally {
      this.#underway.set(application, (this.#underway.get(application) ?? 1) - 1);
    }
  }

  /** See host.forward: from host `from` to the app server here. Throws NOT_RUNNING. */
  forward(from: string, application: string, { method, params }: RelayedCall): Promise<RpcValue> {
    const server = this.#applications.callerOf(application);
    if (server === undefined) {
      throw new MirrorflowError('NOT_RUNNING', `${application} does not run on host ${this.#own.name}`, {
        application,
      });
    }
    return server.call(method, [from, ...params]);
  }

  /** Sends every app server here the list of hosts on which its application runs too. */
  sendHostsToAll(): void {
    for (const { name } of this.#applications.list()) this.sendHosts(name);
  }

  /** Sends the app server of one application that list (app.hosts), if it is connected. */
  sendHosts(application: string): void {
    const hosts = this.#peers
      .list()
      .filter(({ running }) => running.has(application))
      .map(({ name: host, address }) => ({ host, address }));
    const far = this.#sites
      .list()
      .filter(([, { applications }]) => runs(applications, application))
      .map(([host, { site }]) => ({ host, site, address: '' }));
    // An app server that is ending fails the call and needs no list.
    this.#applications
      .callerOf(application)
      ?.call('app.hosts', [this.#own.name, [...hosts, ...far]])
      .catch(() => undefined);
  }

  async #inquire(peer: Peer): Promise<HostOnNetwork> {
    const { name: host, address, version, since } = peer;
    const facts = { host, own: false, connected: true, address, version, since };
    try {
      const applications = await peer.call('host.applications', [], { timeoutMs: ANSWER_TIMEOUT_MS });
      return { ...facts, applications };
    } catch (error) {
      const cause = describeError(error);
      const code = isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR';
      return { ...facts, cause, code, applications: [] };
    }
  }

  /** A host of this network has its name before one of another site. */
  #isFar(host: string): boolean {
    return this.#sites.has(host) && !this.#peers.list().some(({ name }) => name === host);
  }

  async #startFar(options: ApplicationOptions, host: string): Promise<ApplicationInfo> {
    const { name, ...settings } = options;
    if (Object.keys(settings).length > 0) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `host ${host} of another site starts ${name} as it is configured there: give the name only`,
        { host },
      );
    }
    const call = { application: name, method: 'host.open', params: [] } as const;
    const started = await this.#sites.call(host, { ...call, params: [] }, START_TIMEOUT_MS);
    return applicationInfo.check(started, {
      method: 'host.open',
      root: 'result',
      path: [],
      unknownMembers: 'drop',
    });
  }

  #relayFar(application: string, host: string, { method, params }: RelayedCall): Promise<RpcValue> {
    const allowed = SITE_METHODS.find((one) => one === method);
    if (allowed === undefined) refuseFar(host, `answer ${method}`);
    return this.#sites.call(host, { application, method: allowed, params }, FORWARD_TIMEOUT_MS);
  }

  #isHere(host: string | undefined): host is undefined {
    return host === undefined || host === this.#own.name;
  }
}

function runs(applications: SiteHost['applications'], application: string): boolean {
  return applications.some(({ name, state }) => name === application && state === 'running');
}

function refuseFar(host: string, what: string): never {
  throw new MirrorflowError(
    'NOT_PERMITTED',
    `host ${host} is at another site, and does not ${what} for this one`,
    {
      host,
    },
  );
}

function farOnNetwork(host: string, { site, version, since, applications, flows }: SiteHost): HostOnNetwork {
  const infos = applications.map((info) => ({ ...info, restarts: 0, configured: true, byHand: false }));
  return { host, site, own: false, connected: true, version, since, applications: infos, flows };
}

function unreachableOnNetwork({ name: host, address, since, cause, code }: UnreachablePeer): HostOnNetwork {
  return {
    ...(host !== undefined && { host }),
    ...(since !== undefined && { since }),
    own: false,
    connected: false,
    address,
    cause,
    code,
    applications: [],
  };
}
