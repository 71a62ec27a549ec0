/**
 * The hosts of other sites, as the NATS process reports them (site.report), and calls to them. A
 * far host is named HOST.SITE. Used by the handlers in `calls/`; makes calls on the connection of
 * the NATS process only.
 */
import { EventEmitter } from 'eventemitter3';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { isName } from '../../protocol/base/names.js';
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import { farName, type SiteCall, type SiteHost, type SiteReport } from '../../protocol/rpc/contract/sites.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcValue } from '../../protocol/rpc/xml-rpc/values.js';
import type { HostSession } from '../control/call-origin.js';

interface SitesEvents {
  /** The far hosts, or what runs there, may have changed. */
  changed: [];
}

export class Sites extends EventEmitter<SitesEvents> {
  #session: HostSession | undefined;
  #hosts: ReadonlyMap<string, SiteHost> = new Map();

  /** See site.report. The hosts are those of this connection, until it closes. */
  report(session: HostSession, { hosts }: SiteReport): void {
    if (this.#session !== session) {
      this.#session = session;
      session.once('close', () => {
        if (this.#session !== session) return;
        this.#session = undefined;
        this.#replace([]);
      });
    }
    this.#replace(hosts);
  }

  /** By name, in the order of their names. */
  list(): readonly (readonly [name: string, host: SiteHost])[] {
    return [...this.#hosts].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  has(name: string): boolean {
    return this.#hosts.has(name);
  }

  /**
   * Calls a far host. Rejects with its error, UNKNOWN_HOST, TIMED_OUT, or TRANSPORT_ERROR when the
   * NATS server is not reached.
   */
  async call(name: string, call: SiteCall, timeoutMs: number): Promise<RpcValue> {
    const host = this.#hosts.get(name);
    if (host === undefined || this.#session === undefined) {
      throw new MirrorflowError('UNKNOWN_HOST', `there is no host ${name} at another site now`, {
        host: name,
      });
    }
    const params = [host.site, host.host, call] as const;
    return callerOf(CONTRACT, this.#session)('site.call', [...params], { timeoutMs });
  }

  /** Names that are too long for a host, or meant by two hosts, are left out. */
  #replace(hosts: readonly SiteHost[]): void {
    const named = new Map<string, SiteHost>();
    for (const host of hosts) {
      const name = farName(host);
      if (isName(name) && !named.has(name)) named.set(name, host);
    }
    this.#hosts = named;
    this.emit('changed');
  }
}
