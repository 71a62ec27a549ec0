/**
 * A connection to this host's host server: discovery, starting and stopping applications. What the
 * console stands on.
 */
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { HostOnNetwork } from '../../protocol/rpc/contract/hosts.js';
import type { ApplicationInfo, ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf, type CallOf, type ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { findHostServer, noHostServer, type LocateOptions } from './locate.js';

export type HostInfo = ResultOf<MirrorflowContract['host.info']>;

/**
 * Starting an application includes its app server's start; stopping one awaits the end of all its
 * processes.
 */
const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 3_000;
const STOP_TIMEOUT_MS = 4 * LIMITS.childStopTimeoutMs + 2_000;

export class HostConnection {
  /** Runtime directory of the host server. */
  readonly directory: string;
  readonly #session: RpcSession;
  readonly #call: CallOf<MirrorflowContract>;

  constructor(directory: string, session: RpcSession) {
    this.directory = directory;
    this.#session = session;
    this.#call = callerOf(CONTRACT, session);
  }

  info(): Promise<HostInfo> {
    return this.#call('host.info', []);
  }

  applications(): Promise<ApplicationInfo[]> {
    return this.#call('host.applications', []);
  }

  /**
   * The hosts of this network with their applications, this one first; those that are away with the
   * reason.
   */
  network(): Promise<HostOnNetwork[]> {
    return this.#call('host.network', []);
  }

  /**
   * Starts an application here or on another host, or finds it running. Rejects with the cause when
   * it does not become ready, UNKNOWN_HOST naming those there are.
   */
  run(options: ApplicationOptions, host?: string): Promise<ApplicationInfo> {
    return this.#call('host.run', host === undefined ? [options] : [options, host], {
      timeoutMs: START_TIMEOUT_MS,
    });
  }

  /**
   * Starts an application anew with the options it has, changed by those that are stated; its flows
   * end and begin again.
   */
  restart(changes: ApplicationOptions): Promise<ApplicationInfo> {
    return this.#call('host.restart', [changes], { timeoutMs: STOP_TIMEOUT_MS + START_TIMEOUT_MS });
  }

  /** Stops an application here or on another host. */
  stop(name: string, host?: string): Promise<ApplicationInfo> {
    return this.#call('host.stop', host === undefined ? [name] : [name, host], {
      timeoutMs: STOP_TIMEOUT_MS,
    });
  }

  /** Ends the host server; with `everything`, its applications too. */
  async quit(everything: boolean): Promise<void> {
    await this.#call('host.quit', [everything], { timeoutMs: STOP_TIMEOUT_MS });
  }

  /** Resolves when the connection has ended, also by the other side. */
  get closed(): Promise<void> {
    return this.#session.closed;
  }

  async close(): Promise<void> {
    await this.#session.close();
  }
}

/** Connects to the host server of this host; throws NOT_RUNNING when there is none. */
export async function connectHost(options: LocateOptions = {}): Promise<HostConnection> {
  const found = await findHostServer(options);
  if (found === undefined) throw noHostServer(options);
  return new HostConnection(found.directory, found.session);
}
