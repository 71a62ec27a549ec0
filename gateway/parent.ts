/**
 * The gateway's permanent connection to its app server: says that it listens, and says it again to
 * an app server that was restarted.
 */
import { CONTRACT } from '../protocol/rpc/contract/methods.js';
import type { GatewayReady } from '../protocol/rpc/contract/shapes.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { callerOf } from '../protocol/rpc/xml-rpc/contract.js';
import { PermanentConnection } from '../protocol/rpc/xml-rpc/permanent-connection.js';

export class Parent {
  readonly #connection: PermanentConnection;

  /** `refused`: an app server that answers does not want this gateway. */
  constructor(socket: string, ready: () => GatewayReady, refused: () => void, log: Logger) {
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        context: () => undefined,
        log,
        onConnected: async (session) => {
          await callerOf(CONTRACT, session)('gateway.subscribe', [ready()]);
        },
      },
    );
    this.#connection.on('lost', () => log.warn('the app server has gone; the gateway goes on'));
    this.#connection.on('failed', (error) => {
      if (!isMirrorflowError(error, 'REFUSED') && !isMirrorflowError(error, 'VERSION_MISMATCH')) return;
      log.error('the app server refuses this gateway, ending', { error });
      refused();
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
