/**
 * The host server as the web process sees it: what applications there are, asked once a second
 * while somebody wants to know.
 */
import { EventEmitter } from 'eventemitter3';
import { connectHost, type ApplicationInfo, type HostConnection } from '../../client-lib/index.js';
import type { Logger } from '../../protocol/base/log.js';

interface HostLinkEvents {
  applications: [applications: readonly ApplicationInfo[], hostServer: boolean];
}

const LOOK_MS = 1_000;

export class HostLink extends EventEmitter<HostLinkEvents> {
  readonly #directory: string | undefined;
  readonly #log: Logger;
  #host: Promise<HostConnection> | undefined;
  #applications: readonly ApplicationInfo[] = [];
  #there = false;
  #wanted = 0;
  #timer: NodeJS.Timeout | undefined;
  #text = '';
  #lookedMs = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(directory: string | undefined, log: Logger) {
    super();
    this.#directory = directory;
    this.#log = log;
  }

  /** As of the last look; what ran when the host server went away is still listed. */
  get applications(): readonly ApplicationInfo[] {
    return this.#applications;
  }

  get hostServer(): boolean {
    return this.#there;
  }

  /** Whether the last look was a moment ago. */
  get isUpToDate(): boolean {
    return performance.now() - this.#lookedMs < LOOK_MS;
  }

  /** Looks now and then, until the returned function is called as often as this. */
  startPolling(): () => void {
    this.#wanted += 1;
    this.#timer ??= setInterval(() => void this.refresh(), LOOK_MS);
    void this.refresh();
    let following = true;
    return () => {
      if (!following) return;
      following = false;
      this.#wanted -= 1;
      if (this.#wanted > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Never throws: a host server that is away is a state. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async run(app: string): Promise<void> {
    await (await this.#connected()).run({ name: app });
    await this.refresh();
  }

  async stop(app: string): Promise<void> {
    await (await this.#connected()).stop(app);
    await this.refresh();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const host = this.#host;
    this.#host = undefined;
    await (await host?.catch(() => undefined))?.close();
  }

  async #ask(): Promise<void> {
    try {
      this.#applications = await (await this.#connected()).applications();
      this.#there = true;
      this.#lookedMs = performance.now();
    } catch (error) {
      this.#there = false;
      this.#log.debug('the host server does not answer', { error });
    }
    const text = JSON.stringify([this.#applications, this.#there]);
    if (text === this.#text) return;
    this.#text = text;
    this.emit('applications', this.#applications, this.#there);
  }

  #connected(): Promise<HostConnection> {
    if (this.#host !== undefined) return this.#host;
    const connecting = connectHost({ directory: this.#directory });
    this.#host = connecting;
    const gone = (): void => {
      if (this.#host === connecting) this.#host = undefined;
    };
    connecting.then((host) => void host.closed.then(gone), gone);
    return connecting;
  }
}
