/**
 * The hosts seen as one: who is there and what runs where, starting and stopping elsewhere, calls
 * between app servers.
 */
import { hostname } from 'node:os';
import type { HostOnNetwork, RelayedCall } from '../../protocol/rpc/contract/hosts.js';
import type { ApplicationInfo, ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { isName } from '../../protocol/base/names.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';
import type { Applications } from '../applications/applications.js';
import type { AwayPeer, Peer, Peers } from './peers.js';

/** How long the others may take to say what runs there. */
const ANSWER_MS = 2_000;
/** Each station of a call lets the one behind it give up first, so that the caller hears why. */
const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 2_000;
const STOP_TIMEOUT_MS = 4 * LIMITS.childStopTimeoutMs + 1_000;
const FORWARD_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs + 1_000;
/** Relayed calls of one application under way at a time. */
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
  readonly #underway = new Map<string, number>();

  constructor(own: OwnHost, applications: Applications, peers: Peers) {
    this.#own = own;
    this.#applications = applications;
    this.#peers = peers;
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
    const connected = await Promise.all(this.#peers.list().map((peer) => this.#asked(peer)));
    return [own, ...connected, ...this.#peers.away().map(awayOnNetwork)];
  }

  /** See host.run. Throws UNKNOWN_HOST. */
  run(options: ApplicationOptions, host: string | undefined): Promise<ApplicationInfo> {
    if (this.#isHere(host)) return this.#applications.run(options);
    return this.#peers.peer(host).call('host.run', [options], { timeoutMs: START_TIMEOUT_MS });
  }

  /** See host.stop. Throws UNKNOWN_HOST. */
  stop(name: string, host: string | undefined): Promise<ApplicationInfo> {
    if (this.#isHere(host)) return this.#applications.stop(name);
    return this.#peers.peer(host).call('host.stop', [name], { timeoutMs: STOP_TIMEOUT_MS });
  }

  /**
   * See host.relay: from the app server of `application` here to the one there. Throws
   * LIMIT_REACHED.
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
      return await this.#peers.peer(host).call('host.forward', [application, call], options);
    } finally {
      this.#underway.set(application, (this.#underway.get(application) ?? 1) - 1);
    }
  }

  /** See host.forward: to the app server here. Throws NOT_RUNNING. */
  forward(from: string, application: string, { method, params }: RelayedCall): Promise<RpcValue> {
    const server = this.#applications.callerOf(application);
    if (server === undefined) {
      throw new MirrorflowError('NOT_RUNNING', `${application} does not run on host ${this.#own.name}`, {
        application,
      });
    }
    return server.call(method, [from, ...params]);
  }

  /** Tells the app servers here where else their applications run. */
  tellApplications(): void {
    for (const { name } of this.#applications.list()) this.tellApplication(name);
  }

  tellApplication(name: string): void {
    const hosts = this.#peers
      .list()
      .filter(({ running }) => running.has(name))
      .map(({ name: host, address }) => ({ host, address }));
    // One that is just going has no more use for it.
    this.#applications
      .callerOf(name)
      ?.call('app.hosts', [this.#own.name, hosts])
      .catch(() => undefined);
  }

  async #asked(peer: Peer): Promise<HostOnNetwork> {
    const { name: host, address, version, since } = peer;
    const facts = { host, own: false, connected: true, address, version, since };
    try {
      const applications = await peer.call('host.applications', [], { timeoutMs: ANSWER_MS });
      return { ...facts, applications };
    } catch (error) {
      return { ...facts, cause: describeError(error), applications: [] };
    }
  }

  #isHere(host: string | undefined): host is undefined {
    return host === undefined || host === this.#own.name;
  }
}

function awayOnNetwork({ name: host, address, since, cause }: AwayPeer): HostOnNetwork {
  return {
    ...(host !== undefined && { host }),
    ...(since !== undefined && { since }),
    own: false,
    connected: false,
    address,
    cause,
    applications: [],
  };
}

/**
 * The name of this host where none was given: that of the machine, with what no name may hold
 * replaced.
 */
export function ownHostName(): string {
  const plain = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, LIMITS.nameCharacters);
  return isName(plain) ? plain : 'host';
}
