/**
 * The other hosts on which this application runs, as the host server tells them, and calls to the
 * app servers there. Every call goes over the host servers: app server, host server, host server,
 * app server.
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
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';

/**
 * Whoever has not answered a question to all within this time is left out: nobody waits for a host
 * that was cut off.
 */
const ANSWER_MS = 1_500;

/** Where a call to another host's app server goes first. */
export type Relay = (host: string, call: RelayedCall, options?: CallOptions) => Promise<RpcValue>;

/** Parameters without the calling host, which is put in front on the way. */
type RelayedParams<M extends RelayedMethod> =
  ParamsOf<MirrorflowContract[M]> extends [string, ...infer Rest] ? Rest : never;

export interface AnswerOf<M extends RelayedMethod> {
  readonly host: string;
  readonly result: ResultOf<MirrorflowContract[M]>;
}

interface RemoteHostsEvents {
  changed: [];
}

export class RemoteHosts extends EventEmitter<RemoteHostsEvents> {
  readonly #relay: Relay;
  #own: string | undefined;
  #hosts: ReadonlyMap<string, string> = new Map();

  constructor(relay: Relay) {
    super();
    this.#relay = relay;
  }

  /** Name of this host; undefined until a host server has told it. */
  get own(): string | undefined {
    return this.#own;
  }

  get names(): string[] {
    return [...this.#hosts.keys()];
  }

  /** See app.hosts. */
  update(own: string, hosts: readonly HostOfApplication[]): void {
    this.#own = own;
    this.#hosts = new Map(hosts.map(({ host, address }) => [host, address]));
    this.emit('changed');
  }

  /** How a host is reached from here. Throws UNKNOWN_HOST. */
  addressOf(host: string): string {
    const address = this.#hosts.get(host);
    if (address !== undefined) return address;
    const known = this.names.length === 0 ? 'on no other host' : `on ${this.names.join(', ')}`;
    throw new MirrorflowError(
      'UNKNOWN_HOST',
      `the application does not run on a host ${host} that is connected now; it runs ${known}`,
      { host },
    );
  }

  /**
   * Rejects with UNKNOWN_HOST, with what the other app server answers, TIMED_OUT, or
   * TRANSPORT_ERROR for a host that is away.
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

  /** The answers of all hosts that gave one in time. */
  async all<M extends RelayedMethod>(method: M, params: RelayedParams<M>): Promise<AnswerOf<M>[]> {
    const asked = this.names.map(async (host): Promise<AnswerOf<M> | undefined> => {
      try {
        return { host, result: await this.call(host, method, params, { timeoutMs: ANSWER_MS }) };
      } catch {
        return undefined;
      }
    });
    return (await Promise.all(asked)).filter((answer) => answer !== undefined);
  }
}
