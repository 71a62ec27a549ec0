/**
 * The client-library connection to one application that the whole web process shares: for its
 * mirror, the network page and the metrics. `Applications` creates one per application. Opens
 * sockets; closes the client when it has been idle for half a minute.
 */
import { connect, type Client } from '../../client-lib/index.js';
import { UseCounter } from './use-counter.js';

/** An unused client is closed after this time. */
const IDLE_MS = 30_000;

export class AppLink {
  readonly app: string;
  readonly #directory: string | undefined;
  readonly #idleMs: number;
  readonly #users = new UseCounter(() => (this.#usedMs = performance.now()));
  #client: Promise<Client> | undefined;
  #usedMs = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  constructor(app: string, directory: string | undefined, idleMs = IDLE_MS) {
    this.app = app;
    this.#directory = directory;
    this.#idleMs = idleMs;
  }

  /** Connects when there is no client yet; does not start an application that does not run. */
  async client(): Promise<Client> {
    this.#usedMs = performance.now();
    this.#client ??= this.#connect();
    return this.#client;
  }

  /** Keeps the client from being closed as idle, until the returned function is called. */
  keepOpen(): () => void {
    return this.#users.acquire();
  }

  /** Closes the client; the next use connects again. */
  async close(): Promise<void> {
    clearInterval(this.#idleTimer);
    this.#idleTimer = undefined;
    const client = this.#client;
    this.#client = undefined;
    await (await client?.catch(() => undefined))?.close();
  }

  async #connect(): Promise<Client> {
    this.#idleTimer ??= setInterval(() => {
      const idleMs = performance.now() - this.#usedMs;
      if (!this.#users.inUse && idleMs > this.#idleMs) void this.close();
    }, this.#idleMs).unref();
    const connecting = connect({
      app: this.app,
      name: 'web',
      program: 'mirrorflow web viewer',
      right: 'read',
      start: false,
      directory: this.#directory,
    });
    connecting.catch(() => {
      this.#client = undefined;
    });
    return connecting;
  }
}
