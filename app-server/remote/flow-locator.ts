/**
 * Finds out which other host has a flow, and makes the duplicator there (the process that owns the
 * flow's file on that host) serve it to this host. Used by `remote-flows.ts` and
 * `source-follower.ts`; calls the app servers of other hosts, touches nothing else.
 */
import { formatAddress, parseAddress } from '../../protocol/base/address.js';
import type { RemoteFlowState, RemoteServeResult } from '../../protocol/rpc/contract/hosts.js';
import { LIMITS } from '../../protocol/base/limits.js';
import type { RemoteHosts } from './remote-hosts.js';

/** Hosts over which a flow is searched for, where one host has it from another. */
export const HOPS_MAX = 8;
/** Includes the start of a duplicator on the other host. */
const SERVE_TIMEOUT_MS = LIMITS.rpcCallTimeoutMs - 2_000;

export interface LocatedFlow {
  readonly host: string;
  /** What the flow is on that host. */
  readonly answer: RemoteFlowState;
}

export class FlowLocator {
  readonly #hosts: RemoteHosts;
  readonly #via: string | undefined;

  /** `via`: the one host that every flow comes from which is not of this host. */
  constructor(hosts: RemoteHosts, via: string | undefined) {
    this.#hosts = hosts;
    this.#via = via;
  }

  /**
   * The host to get a flow from; undefined when no host has the flow. Rejects as RemoteHosts.call.
   */
  async locate(flow: string, hops: number): Promise<LocatedFlow | undefined> {
    const via = this.#via;
    if (via !== undefined) {
      const answer = await this.#hosts.call(via, 'remote.inquire', [flow, hops]);
      return answer.standing === 'none' ? undefined : { host: via, answer };
    }
    const answers = await this.#hosts.all('remote.inquire', [flow, 0]);
    for (const standing of ['provider', 'source', 'idle'] as const) {
      const best = answers.find(({ result }) => result.standing === standing);
      if (best !== undefined) return { host: best.host, answer: best.result };
    }
    return undefined;
  }

  /** Makes a host serve a flow; resolves with the address under which this host reaches it. */
  async serveOn(host: string, flow: string): Promise<RemoteServeResult> {
    const served = await this.#hosts.call(host, 'remote.serve', [flow, HOPS_MAX - 1], {
      timeoutMs: SERVE_TIMEOUT_MS,
    });
    const listening = parseAddress(served.address, { schemes: ['tcp', 'tls'] });
    // The duplicator may listen on all of its addresses; this host reaches one of them.
    return { ...served, address: formatAddress({ ...listening, host: this.#hosts.addressOf(host) }) };
  }
}
