/**
 * Watches the paths of a running process (its files, sockets and directories) for what other
 * programs do to them: removed, replaced, truncated. Used by duplicators, app servers and host
 * servers, which put back what is missing. Uses inotify; a path that cannot be watched, since it is
 * missing or the user has too many watches, is examined at intervals instead.
 */
import { statSync, watch, type FSWatcher } from 'node:fs';

/** For paths that cannot be watched: how often the caller examines them. */
const INTERVAL_MS = 250;

interface Watched {
  readonly watcher: FSWatcher;
  /** Device and inode: another file at the path needs a watch of its own. */
  readonly identity: string;
}

export class PathWatch {
  readonly #paths: readonly string[];
  readonly #examine: () => void;
  readonly #watched = new Map<string, Watched>();
  #timer: NodeJS.Timeout | undefined;
  #scheduled = false;
  #closed = false;

  /**
   * `examine` is called after each change, once for the changes of one turn of the event loop, and
   * never from inside the constructor. It must not throw.
   */
  constructor(paths: readonly string[], examine: () => void) {
    this.#paths = paths;
    this.#examine = examine;
    this.#arm();
  }

  /** Watches files that have been created at the paths since. */
  refresh(): void {
    if (!this.#closed) this.#arm();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #changed(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#closed) return;
      this.#examine();
      if (!this.#closed) this.#arm();
    });
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const armed = this.#paths.map((path) => this.#watch(path));
    if (!armed.includes(false)) return;
    this.#timer = setTimeout(() => this.#changed(), INTERVAL_MS);
    this.#timer.unref();
  }

  /** False when the path cannot be watched now. */
  #watch(path: string): boolean {
    const identity = identityOf(path);
    const present = this.#watched.get(path);
    if (present !== undefined) {
      if (present.identity === identity) return true;
      present.watcher.close();
      this.#watched.delete(path);
    }
    if (identity === undefined) return false;
    try {
      const watcher = watch(path, { persistent: false }, () => this.#changed());
      watcher.on('error', () => this.#changed());
      this.#watched.set(path, { watcher, identity });
      // What happened between the check above and the watch was not reported.
      return identityOf(path) === identity;
    } catch {
      return false;
    }
  }
}

function identityOf(path: string): string | undefined {
  try {
    const status = statSync(path, { bigint: true, throwIfNoEntry: false });
    return status === undefined ? undefined : `${status.dev}:${status.ino}`;
  } catch {
    return undefined;
  }
}
