/**
 * The permanent connection to the host server of this machine: found when there is one, found again
 * when it was away.
 */
import { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { AppServerReady } from '../../protocol/rpc/contract/shapes.js';
import { hostSocketPath } from '../../protocol/base/paths.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { callerOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { CallDispatcher } from '../../protocol/rpc/xml-rpc/dispatcher.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import type { CallOrigin } from '../handlers.js';
import type { Relay } from './remote-hosts.js';

export interface HostLinkOptions {
  readonly directory: string;
  /** What host.subscribe is told on every connection. */
  readonly ready: AppServerReady;
  /** Serves the calls of the host server. */
  readonly dispatcher: CallDispatcher<CallOrigin>;
  readonly log: Logger;
}

export class HostLink {
  readonly #connection: PermanentConnection<CallOrigin>;

  /** Does nothing before start(). */
  constructor({ directory, ready, dispatcher, log }: HostLinkOptions) {
    this.#connection = new PermanentConnection<CallOrigin>(
      { path: hostSocketPath(directory) },
      {
        dispatcher,
        context: (session) => ({ session, fromHost: true }),
        log,
        onConnected: async (session) => {
          const { adopted } = await callerOf(CONTRACT, session)('host.subscribe', [ready]);
          log.info('subscribed with the host server', { adopted });
        },
      },
    );
    this.#connection.on('lost', () => log.warn('the host server is away; going on without it'));
    let refusal: string | undefined;
    this.#connection.on('failed', (error) => {
      // No host server is nothing to tell; a refusal is, once.
      if (!isMirrorflowError(error) || error.code === 'TRANSPORT_ERROR' || error.message === refusal) return;
      refusal = error.message;
      log.warn('the host server cannot be subscribed with', { code: error.code, error });
    });
  }

  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  /** A call for the app server of this application on another host. */
  readonly relay: Relay = (host, call, options) =>
    callerOf(CONTRACT, this.#connection)('host.relay', [host, call], options);

  start(): void {
    this.#connection.start();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}
