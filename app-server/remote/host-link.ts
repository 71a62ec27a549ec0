/**
 * The permanent connection of an app server to the host server of this machine, over the host
 * server's Unix socket: reconnects by itself, subscribes on every connection, and relays calls to
 * the app servers of the same application on other hosts. Owned by `app-server.ts`; an app server
 * that runs without a host server keeps trying to connect.
 */
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { AppServerReady } from '../../protocol/rpc/contract/shapes.js';
import { hostSocketPath, hostTokenPath } from '../../protocol/base/paths.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { proveChild } from '../../protocol/host/process-kit/prove-child.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { CallDispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import type { CallOrigin } from '../clients/call-origin.js';
import type { Relay } from './remote-hosts.js';

export class HostLink {
  readonly #directory: string;
  readonly #log: Logger;
  #connection: PermanentConnection<CallOrigin> | undefined;

  /** `directory`: the runtime directory. Does nothing before start(). */
  constructor(directory: string, log: Logger) {
    this.#directory = directory;
    this.#log = log;
  }

  get connected(): boolean {
    return this.#connection?.state === 'connected';
  }

  /** Calls the app server of this application on another host, through both host servers. */
  readonly relay: Relay = async (host, call, options) => {
    if (this.#connection === undefined) {
      throw new MirrorflowError('TRANSPORT_ERROR', `not connected to a host server, so not to host ${host}`, {
        host,
      });
    }
    return callerOf(CONTRACT, this.#connection)('host.relay', [host, call], options);
  };

  /**
   * Connects from now on. `ready` is the parameter of host.subscribe; `dispatcher` serves the calls
   * of the host server. `onReplaced` is called when the host server has another living app server
   * of the application.
   */
  start(ready: AppServerReady, dispatcher: CallDispatcher<CallOrigin>, onReplaced: () => void): void {
    const log = this.#log;
    const connection = new PermanentConnection<CallOrigin>(
      { path: hostSocketPath(this.#directory, 'control') },
      {
        dispatcher,
        // What the host server calls comes from itself or from a host that proved the secret.
        context: (session) => ({ session, right: 'child' }),
        log,
        onConnected: async (session) => {
          await proveChild(session, hostTokenPath(this.#directory, 'child'));
          const { adopted } = await callerOf(CONTRACT, session)('host.subscribe', [ready]);
          log.info('subscribed with the host server', { adopted });
        },
      },
    );
    connection.on('lost', () =>
      log.warn('the connection to the host server was lost; continuing without it'),
    );
    let refusal: string | undefined;
    connection.on('failed', (error) => {
      // A missing host server is normal and not logged; a refusal is logged once.
      if (!isMirrorflowError(error) || error.code === 'TRANSPORT_ERROR' || error.message === refusal) return;
      refusal = error.message;
      log.warn('the host server refuses the subscription', { code: error.code, error });
      if (error.code === 'APPLICATION_EXISTS') onReplaced();
    });
    this.#connection = connection;
    connection.start();
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }
}
