/** The gateway's permanent connection to its app server: says that it listens, and says it again to an app server that was restarted. */
import { CONTRACT } from '../protocol/contract/methods.js';
import type { GatewayReady } from '../protocol/contract/shapes.js';
import { MirrorflowError, describeError, isMirrorflowError } from '../protocol/errors.js';
import type { Logger } from '../protocol/log.js';
import { LAUNCH_VARIABLE } from '../protocol/process-kit/child.js';
import { connectSession } from '../protocol/xml-rpc/connect-session.js';
import { callerOf } from '../protocol/xml-rpc/contract.js';
import { PermanentConnection } from '../protocol/xml-rpc/permanent-connection.js';

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

/** Tells the app server why this gateway could not become ready. Never rejects: the exit code says it too. */
export async function reportFailure(socket: string, error: unknown, log: Logger): Promise<void> {
  const launch = process.env[LAUNCH_VARIABLE];
  if (launch === undefined) return;
  try {
    const session = await connectSession({ path: socket }, { context: () => undefined, log });
    const code = error instanceof MirrorflowError ? error.code : 'START_FAILED';
    await callerOf(CONTRACT, session)('child.failed', [
      { launch, code, message: describeError(error).slice(0, 4096) },
    ]);
    await session.close();
  } catch (failure) {
    log.warn('the app server could not be told', { error: failure });
  }
}
