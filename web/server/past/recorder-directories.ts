/**
 * Where the recorders of running applications write, as their app servers report it: a
 * configuration may name any directory. `Applications` owns the only one. Calls app servers.
 */
import type { Client } from '../../../client-lib/index.js';
import type { Clock } from '../../../protocol/base/clock.js';
import type { Logger } from '../../../protocol/base/log.js';

interface Known {
  readonly directory: string | undefined;
  readonly askedMs: number;
}

const INTERVAL_MS = 10_000;
const TIMEOUT_MS = 1_000;

export class RecorderDirectories {
  readonly #clientOf: (app: string) => Promise<Client>;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known = new Map<string, Known>();

  constructor(clientOf: (app: string) => Promise<Client>, clock: Clock, log: Logger) {
    this.#clientOf = clientOf;
    this.#clock = clock;
    this.#log = log;
  }

  /** Undefined without a recorder, and where the application has never answered in time. */
  async of(app: string, isRunning: boolean): Promise<string | undefined> {
    const known = this.#known.get(app);
    const isFresh = known !== undefined && this.#clock.nowMs() - known.askedMs < INTERVAL_MS;
    if (isFresh || !isRunning) return known?.directory;
    // Until the answer others get the directory that was known.
    this.#known.set(app, { directory: known?.directory, askedMs: this.#clock.nowMs() });
    const directory = (await this.#ask(app)) ?? known?.directory;
    this.#known.set(app, { directory, askedMs: this.#clock.nowMs() });
    return directory;
  }

  async #ask(app: string): Promise<string | undefined> {
    let cancel: () => void = () => undefined;
    const timeout = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(TIMEOUT_MS, () => resolve(undefined));
    });
    const asked = this.#clientOf(app)
      .then((client) => client.appInfo())
      .catch((error: unknown) => {
        this.#log.debug('an application does not report its recorder', { application: app, error });
        return undefined;
      });
    const info = await Promise.race([asked, timeout]);
    cancel();
    return info?.recorder?.directory;
  }
}
