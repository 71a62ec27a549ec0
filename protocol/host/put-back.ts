/**
 * Puts back what another program removes from a server's directories: the directories themselves,
 * sockets and records. Host servers, app servers, gateways and duplicators each keep theirs, so
 * that a removed runtime directory is complete again within a second. Watches paths; what is
 * created is its caller's.
 */
import { existsSync } from 'node:fs';
import { PathWatch } from '../base/files/path-watch.js';
import type { Logger } from '../base/log.js';

export class PutBack {
  readonly #paths: readonly string[];
  readonly #restore: () => Promise<void> | void;
  readonly #log: Logger;
  readonly #watch: PathWatch;
  #running: Promise<void> | undefined;
  #failure: string | undefined;
  /** When files were put back last; performance.now(). */
  #restoredMs = -Infinity;
  #closed = false;

  /**
   * `restore` is called while one of the paths is missing, never twice at a time; a failure is
   * logged once, and it is called again.
   */
  constructor(paths: readonly string[], restore: () => Promise<void> | void, log: Logger) {
    this.#paths = paths;
    this.#restore = restore;
    this.#log = log;
    this.#watch = new PathWatch(paths, () => this.#examine());
  }

  /**
   * Whether another program removes files here: one of the paths is missing, or was put back within
   * the last `ms`. The absence of a file of another process says nothing then.
   */
  isDisturbed(ms: number): boolean {
    return performance.now() - this.#restoredMs < ms || this.#paths.some((path) => !existsSync(path));
  }

  /** Nothing is put back any more; resolves when nothing is under way. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.close();
    await this.#running;
  }

  #examine(): void {
    if (this.#running !== undefined || this.#closed) return;
    const missing = this.#paths.filter((path) => !existsSync(path));
    if (missing.length === 0) return;
    this.#running = this.#putBack(missing).finally(() => {
      this.#running = undefined;
      this.#watch.refresh();
    });
  }

  async #putBack(missing: readonly string[]): Promise<void> {
    try {
      await this.#restore();
      this.#failure = undefined;
      this.#restoredMs = performance.now();
      this.#log.warn('another program had removed files of this server; they are back', { missing });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason === this.#failure) return;
      this.#failure = reason;
      this.#log.error('files that another program has removed cannot be put back', { missing, error });
    }
  }
}
