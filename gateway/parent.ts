/**
 * The gateway's permanent connection to its app server, a Unix socket.
 *
 * `main.ts` opens it when the gateway listens. It reports that the gateway is ready, again after a
 * restart of the app server, which adopts the gateway then.
 */
import { CONTRACT } from '../protocol/rpc/contract/methods.js';
import type { GatewayReady } from '../protocol/rpc/contract/shapes.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { proveChild } from '../protocol/host/process-kit/prove-child.js';
import type { ParentServer } from '../protocol/host/process-kit/start-report.js';
import { callerOf } from '../protocol/rpc/xml-rpc/contract.js';
import { PermanentConnection } from '../protocol/rpc/xml-rpc/permanent-connection.js';

export class ParentConnection {
  readonly #connection: PermanentConnection;

  /** `onRefused` is called when the app server refuses this gateway. */
  constructor(
    { socket, childToken }: ParentServer,
    ready: () => GatewayReady,
    onRefused: () => void,
    log: Logger,
  ) {
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        context: () => undefined,
        log,
        onConnected: async (session) => {
          await proveChild(session, childToken);
          await callerOf(CONTRACT, session)('gateway.subscribe', [ready()]);
        },
      },
    );
    this.#connection.on('lost', () =>
      log.warn('the connection to the app server is lost; the gateway continues'),
    );
    this.#connection.on('failed', (error) => {
      if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
      log.error('the app server refuses this gateway; stopping', { error });
      onRefused();
    });
    this.#connection.start();
  }

  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }
}
