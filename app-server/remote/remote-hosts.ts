/**
 * The other hosts on which this application runs, as the host server reports them (`app.hosts`),
 * and calls to the app servers there. Every call passes four processes: app server, host server,
 * host server, app server. Used by `remote/` and the handlers in `calls/`; opens no connection: the
 * relay (`host-link.ts`) is a constructor parameter.
 */
import { EventEmitter } from 'eventemitter3';
import type { HostOfApplication, RelayedCall, RelayedMethod } from '../../protocol/rpc/contract/hosts.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import {
  callerOf,
  type CallOf,
  type CallOptions,
  type ParamsOf,
  type ResultOf,
} from '../../protocol/rpc/xml-rpc/contract.js';
import { SITE_METHODS } from '../../protocol/rpc/contract/sites.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';

/** Time in which a host must answer a question to all; a host that was cut off is left out. */
const ANSWER_TIMEOUT_MS = 1_500;

/** Carries a call to the app server on another host. */
export type Relay = (host: string, call: RelayedCall, options?: CallOptions) => Promise<RpcValue>;

/** Parameters without the first one, the calling host, which the host servers fill in. */
type RelayedParams<M extends RelayedMethod> =
  ParamsOf<MirrorflowContract[M]> extends [string, ...infer Rest] ? Rest : never;

export interface AnswerOf<M extends RelayedMethod> {
  readonly host: string;
  readonly result: ResultOf<MirrorflowContract[M]>;
}

interface RemoteHostsEvents {
  /** The set of hosts, or an address, may have changed. */
  changed: [];
}

export class RemoteHosts extends EventEmitter<RemoteHostsEvents> {
  readonly #relay: Relay;
  #own: string | undefined;
  #addresses: ReadonlyMap<string, string> = new Map();
  /** The sites of those at other sites, which answer SITE_METHODS only. */
  #far: ReadonlyMap<string, string> = new Map();

  constructor(relay: Relay) {
    super();
    this.#relay = relay;
  }

  /** Name of this host; undefined until a host server has reported it. */
  get own(): string | undefined {
    return this.#own;
  }

  /** Names of the other hosts. */
  get names(): string[] {
    return [...this.#addresses.keys()];
  }

  /** Names of the hosts of another site. */
  ofSite(site: string): string[] {
    return [...this.#far].filter(([, its]) => its === site).map(([host]) => host);
  }

  /** See app.hosts. */
  update(own: string, hosts: readonly HostOfApplication[]): void {
    this.#own = own;
    this.#addresses = new Map(hosts.map(({ host, address }) => [host, address]));
    this.#far = new Map(
      hosts.flatMap(({ host, site }) => (site === undefined ? [] : [[host, site] as const])),
    );
    this.emit('changed');
  }

  /** Name or IP address under which this host reaches another one. Throws UNKNOWN_HOST. */
  addressOf(host: string): string {
    const address = this.#addresses.get(host);
    if (address !== undefined) return address;
    const known = this.names.length === 0 ? 'on no other host' : `on ${this.names.join(', ')}`;
    throw new MirrorflowError(
      'UNKNOWN_HOST',
      `the application does not run on a host ${host} that is connected now; it runs ${known}`,
      { host },
    );
  }

  /**
   * Rejects with UNKNOWN_HOST, with the error of the other app server, TIMED_OUT, or
   * TRANSPORT_ERROR for a host that is not connected.
   */
  async call<M extends RelayedMethod>(
    host: string,
    method: M,
    params: RelayedParams<M>,
    options?: CallOptions,
  ): Promise<ResultOf<MirrorflowContract[M]>> {
    this.addressOf(host);
    const call: CallOf<MirrorflowContract> = callerOf(CONTRACT, {
      call: (name, values, given) =>
        this.#relay(host, { method: name as RelayedMethod, params: [...values] }, given),
    });
    return call(method, params as never, options);
  }

  /** Calls one host, which must answer within ANSWER_TIMEOUT_MS. Rejects as `call`. */
  ask<M extends RelayedMethod>(
    host: string,
    method: M,
    params: RelayedParams<M>,
  ): Promise<ResultOf<MirrorflowContract[M]>> {
    return this.call(host, method, params, { timeoutMs: ANSWER_TIMEOUT_MS });
  }

  /**
   * Calls all hosts at once that answer the method; the answers of those that gave one within
   * ANSWER_TIMEOUT_MS.
   */
  async all<M extends RelayedMethod>(method: M, params: RelayedParams<M>): Promise<AnswerOf<M>[]> {
    const reached = isOfSites(method) ? this.names : this.names.filter((host) => !this.#far.has(host));
    const calls = reached.map(async (host): Promise<AnswerOf<M> | undefined> => {
      try {
        return { host, result: await this.ask(host, method, params) };
      } catch {
        return undefined;
      }
    });
    return (await Promise.all(calls)).filter((answer) => answer !== undefined);
  }
}

function isOfSites(method: RelayedMethod): boolean {
  return SITE_METHODS.some((one) => one === method);
}
