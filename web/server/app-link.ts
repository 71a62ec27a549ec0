/**
 * The one client of an application that the whole web process shares: for its mirror, its network
 * picture and its numbers.
 */
import { connect, type Client } from '../../client-lib/index.js';

/** A client nobody has used for this long is closed. */
const IDLE_MS = 30_000;

export class AppLink {
  readonly app: string;
  readonly #directory: string | undefined;
  readonly #idleMs: number;
  #client: Promise<Client> | undefined;
  #usedMs = 0;
  #holders = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(app: string, directory: string | undefined, idleMs = IDLE_MS) {
    this.app = app;
    this.#directory = directory;
    this.#idleMs = idleMs;
  }

  /** Connects when there is no client yet; an application that does not run is not started. */
  async client(): Promise<Client> {
    this.#usedMs = performance.now();
    this.#client ??= this.#connect();
    return this.#client;
  }

  /**
   * Somebody lives on the client, from now until the returned function is called: it is not idle
   * meanwhile.
   */
  keepOpen(): () => void {
    this.#holders += 1;
    let holding = true;
    return () => {
      if (holding) this.#holders -= 1;
      holding = false;
      this.#usedMs = performance.now();
    };
  }

  /** Gives the client up: the next one is another. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const client = this.#client;
    this.#client = undefined;
    await (await client?.catch(() => undefined))?.close();
  }

  async #connect(): Promise<Client> {
    this.#timer ??= setInterval(() => {
      if (this.#holders === 0 && performance.now() - this.#usedMs > this.#idleMs) void this.close();
    }, this.#idleMs).unref();
    const connecting = connect({
      app: this.app,
      name: 'web',
      program: 'mirrorflow web viewer',
      start: false,
      directory: this.#directory,
    });
    connecting.catch(() => {
      this.#client = undefined;
    });
    return connecting;
  }
}
