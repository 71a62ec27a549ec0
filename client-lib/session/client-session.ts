/**
 * The session of a client with its app server: presented at each connection, reconnected when the
 * app server restarts. Used by Client. Holds the permanent connection to the app server's socket.
 */
import { describeError } from '../../protocol/base/errors.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import type { IncomingCalls } from './incoming-calls.js';
import { PermanentConnection } from '../../protocol/rpc/xml-rpc/permanent-connection.js';
import { connectSession } from '../../protocol/rpc/xml-rpc/connect-session.js';
import type { RpcSession } from '../../protocol/rpc/xml-rpc/session.js';
import { clientLog } from '../client-log.js';

interface SessionOptions {
  /** Name of the client, and the program for display. */
  readonly name: string;
  readonly program: string;
  /** Socket of the app server. */
  readonly socket: string;
  /** The first session, already connected; owned from now on. */
  readonly first: RpcSession;
  /** Answers the app server's calls on later sessions; the first one has it already. */
  readonly dispatcher: IncomingCalls['dispatcher'];
  /** A session was presented: its calls and its token. The session counts when this resolves. */
  readonly presented: (session: RpcSession, call: CallOf<MirrorflowContract>, token: string) => Promise<void>;
  /** The connection was lost. */
  readonly lost: () => void;
  /** Connected again, after `lost`. */
  readonly regained: () => void;
}

export class ClientSession {
  readonly #options: SessionOptions;
  readonly #connection: PermanentConnection<undefined>;
  /** Calls the app server; waits for the next session while there is none. */
  readonly call: CallOf<MirrorflowContract>;
  /** Token of the present session, or of the last one. */
  token = '';

  constructor(options: SessionOptions) {
    this.#options = options;
    const { socket, dispatcher } = options;
    let first: RpcSession | undefined = options.first;
    this.#connection = new PermanentConnection<undefined>(
      { path: socket },
      {
        context: () => undefined,
        log: clientLog,
        connect: (signal) => {
          const session = first;
          first = undefined;
          if (session !== undefined) return Promise.resolve(session);
          return connectSession(
            { path: socket },
            { context: () => undefined, log: clientLog, signal, dispatcher },
          );
        },
        onConnected: (session) => this.#present(session),
      },
    );
    this.call = callerOf(CONTRACT, this.#connection);
  }

  get connected(): boolean {
    return this.#connection.state === 'connected';
  }

  /** Resolves when the first session was presented. Rejects with what the app server answers. */
  start(): Promise<void> {
    const connection = this.#connection;
    return new Promise<void>((resolve, reject) => {
      connection.once('connected', () => {
        connection.removeAllListeners();
        connection.on('lost', () => this.#options.lost());
        connection.on('connected', () => this.#options.regained());
        resolve();
      });
      connection.once('failed', (error) => {
        void connection.close();
        reject(error instanceof Error ? error : new Error(describeError(error)));
      });
      connection.start();
    });
  }

  /** Resolves when the app server is connected again, after `delayMs` at the latest. */
  reconnectedWithin(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#connection.off('connected', done);
        resolve();
      };
      const timer = setTimeout(done, delayMs);
      this.#connection.on('connected', done);
    });
  }

  /** Leaves the application and ends the connection. */
  async close(): Promise<void> {
    if (this.connected) await this.call('client.leave', [this.token]).catch(() => undefined);
    await this.#connection.close();
  }

  async #present(session: RpcSession): Promise<void> {
    const { name, program, presented } = this.#options;
    const call = callerOf(CONTRACT, session);
    const { session: token } = await call('client.present', [
      { name, program, pid: process.pid, version: PROTOCOL_VERSION },
    ]);
    this.token = token;
    await presented(session, call, token);
  }
}
