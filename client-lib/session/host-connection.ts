/**
 * A connection to this host's host server, the daemon that starts and stops applications and lists
 * those of the network. Used by the console, the web viewer and getSpecTclMemory; part of the
 * public surface. Calls the host server over one session.
 */
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { HostOnNetwork } from '../../protocol/rpc/contract/hosts.js';
import type { ApplicationInfo, ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { callerOf, type CallOf, type ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { checkOptionNames } from '../call-options.js';
import { findHostServer, LOCATE_OPTIONS, noHostServerError, type LocateOptions } from './find-server.js';

/** A host server, as `host.info` returns it. */
export type HostInfo = ResultOf<MirrorflowContract['host.info']>;

/** The start of an application ends when its app server is ready. */
const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 3_000;
/** The stop of an application ends when all its processes have exited. */
const STOP_TIMEOUT_MS = 4 * LIMITS.childStopTimeoutMs + 2_000;

/** Set by the class, for `connectHost`. */
let create: (directory: string, session: RpcSession) => HostConnection;

/** A connection to the host server of this machine or user, from `connectHost`. */
export class HostConnection {
  /** Runtime directory of the host server. */
  readonly directory: string;
  readonly #session: RpcSession;
  readonly #call: CallOf<MirrorflowContract>;

  private constructor(directory: string, session: RpcSession) {
    this.directory = directory;
    this.#session = session;
    this.#call = callerOf(CONTRACT, session);
  }

  static {
    create = (directory, session) => new HostConnection(directory, session);
  }

  /** Process, directories, port and version of the host server. */
  info(): Promise<HostInfo> {
    return this.#call('host.info', []);
  }

  /** The applications of this host with their states. */
  applications(): Promise<ApplicationInfo[]> {
    return this.#call('host.applications', []);
  }

  /**
   * The hosts of this network with their applications, this one first; unreachable hosts with the
   * reason.
   */
  network(): Promise<HostOnNetwork[]> {
    return this.#call('host.network', []);
  }

  /**
   * Starts an application here or on another host; one that runs already is left as it is. Rejects
   * with the cause when it does not become ready, UNKNOWN_HOST naming the hosts of the network.
   */
  run(options: ApplicationOptions, host?: string): Promise<ApplicationInfo> {
    return this.#call('host.run', host === undefined ? [options] : [options, host], {
      timeoutMs: START_TIMEOUT_MS,
    });
  }

  /**
   * Restarts an application with its present options, replaced where `changes` states one; its
   * flows end and begin again.
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

  /** Stops the host server; with `everything`, its applications too. */
  async quit(everything: boolean): Promise<void> {
    await this.#call('host.quit', [everything], { timeoutMs: STOP_TIMEOUT_MS });
  }

  /** Resolves when the connection has ended, on either side. */
  get closed(): Promise<void> {
    return this.#session.closed;
  }

  /** Ends the connection; applications continue. */
  async close(): Promise<void> {
    await this.#session.close();
  }
}

/** Connects to the host server of this host. Throws BAD_OPTION, NOT_RUNNING when none runs. */
export async function connectHost(options: LocateOptions = {}): Promise<HostConnection> {
  checkOptionNames('connectHost', options, LOCATE_OPTIONS);
  const server = await findHostServer(options);
  if (server === undefined) throw noHostServerError(options);
  return create(server.directory, server.session);
}
