/**
 * The NATS process's permanent connection to its host server: reports that it runs and which hosts
 * of other sites there are, carries calls both ways. It reconnects to a restarted host server,
 * which adopts the process. Created by `main.ts`. Opens a socket.
 */
import { LIMITS } from '../protocol/base/limits.js';
import { isMirrorflowError, MirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { hostSocketPath, hostTokenPath } from '../protocol/base/paths.js';
import { proveChild } from '../protocol/host/process-kit/prove-child.js';
import { CONTRACT, type MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type { NatsReady, SiteCall, SiteReport } from '../protocol/rpc/contract/sites.js';
import { callerOf } from '../protocol/rpc/xml-rpc/contract.js';
import { Dispatcher } from '../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../protocol/rpc/xml-rpc/permanent-connection.js';
import type { RpcValue } from '../protocol/rpc/xml-rpc/values.js';

const START_TIMEOUT_MS = LIMITS.childReadyTimeoutMs + 1_000;

export interface HostLinkOptions {
  /** Runtime directory of the host server. */
  readonly directory: string;
  readonly ready: NatsReady;
  /** See site.call. */
  readonly call: (site: string, host: string, call: SiteCall) => Promise<RpcValue>;
  /** Called when the host server refuses this process. */
  readonly onRefused: () => void;
  readonly log: Logger;
}

export class HostLink {
  readonly #connection: PermanentConnection;
  #report: SiteReport = { connected: false, hosts: [] };

  constructor({ directory, ready, call, onRefused, log }: HostLinkOptions) {
    const dispatcher = new Dispatcher<MirrorflowContract, undefined>(
      CONTRACT,
      { 'site.call': ([site, host, siteCall]) => call(site, host, siteCall) },
      // Only the user of this process can listen on the socket of its host server.
      { log, granted: () => 'child' },
    );
    this.#connection = new PermanentConnection<undefined>(
      { path: hostSocketPath(directory, 'control') },
      {
        context: () => undefined,
        dispatcher,
        log,
        onConnected: async (session) => {
          await proveChild(session, hostTokenPath(directory, 'child'));
          const toHost = callerOf(CONTRACT, session);
          await toHost('site.subscribe', [ready]);
        },
      },
    );
    // What was reported while the connection was being presented.
    this.#connection.on('connected', () => this.report(this.#report));
    this.#connection.on('lost', () => log.warn('the host server is lost; publishing continues'));
    this.#connection.on('failed', (error) => {
      if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
      log.error('the host server refuses this process; stopping', { error });
      onRefused();
    });
    this.#connection.start();
  }

  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  /** The present state; a host server that returns gets the last one. */
  report(report: SiteReport): void {
    this.#report = report;
    if (this.connected)
      void callerOf(CONTRACT, this.#connection)('site.report', [report]).catch(() => undefined);
  }

  /** See site.answer. Rejects with the error of the host server. */
  async answer(site: string, host: string, call: SiteCall): Promise<RpcValue> {
    if (!this.connected)
      throw new MirrorflowError('NOT_RUNNING', 'the host server that was asked does not run now');
    const options = { timeoutMs: START_TIMEOUT_MS };
    return callerOf(CONTRACT, this.#connection)('site.answer', [site, host, call], options);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
