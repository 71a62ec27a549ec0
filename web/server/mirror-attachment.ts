/**
 * Keeps one application's mirror attached while it is open, and retries after failures. A mirror is
 * this host's copy of SpecTcl's display memory in shared memory. `AppWatch` opens it with the first
 * page and closes it after the last. Connects to the app server through `AppLink`.
 *
 * | state      | event                                 | next                                       |
 * | ---------- | ------------------------------------- | ------------------------------------------ |
 * | connecting | mirror attached                       | state of its source: connecting/live/stale |
 * | connecting | application not running               | stopped, retried every second              |
 * | connecting | any other failure                     | broken, retried every second               |
 * | live       | source unreachable                    | stale                                      |
 * | stale      | source reachable                      | live                                       |
 * | any        | mirror ended                          | stale, then attached again                 |
 * | any        | host server reports: stopped, failed  | stopped, retried every second              |
 */
import { EventEmitter } from 'eventemitter3';
import type { Client, Mirror } from '../../client-lib/index.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { WatchState } from '../wire/application.js';
import type { AppLink } from './app-link.js';

interface MirrorAttachmentEvents {
  attached: [];
  /** The address of the application's source, and whether pages may change it; also unchanged. */
  source: [address: string | undefined, allowChanges: boolean];
  state: [state: WatchState, cause: string | undefined];
}

const RETRY_MS = 1_000;

export class MirrorAttachment extends EventEmitter<MirrorAttachmentEvents> {
  readonly #link: AppLink;
  readonly #log: Logger;
  /** Stops listening to the client whose mirror is attached. */
  #leaveClient: (() => unknown) | undefined;
  /** Lets the client close when idle; undefined while this attachment is closed. */
  #releaseClient: (() => void) | undefined;
  #mirror: Mirror | undefined;
  #reportedState: Mirror['state'] | undefined;
  #attaching = false;
  #retryTimer: NodeJS.Timeout | undefined;

  constructor(link: AppLink, log: Logger) {
    super();
    this.#link = link;
    this.#log = log;
  }

  get isOpen(): boolean {
    return this.#releaseClient !== undefined;
  }

  get isAttached(): boolean {
    return this.#mirror !== undefined;
  }

  /** Attaches now or as soon as possible. Does nothing when open already. */
  open(): void {
    if (this.#releaseClient !== undefined) return;
    this.#releaseClient = this.#link.keepOpen();
    void this.#attach();
  }

  /** Unmaps the mirror. Idempotent; `open` begins again. */
  async close(): Promise<void> {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.#releaseClient?.();
    this.#releaseClient = undefined;
    const wasAttached = this.#mirror !== undefined;
    this.#detach();
    if (!wasAttached) return;
    const client = await this.#link.client().catch(() => undefined);
    await client?.unmap().catch(() => undefined);
  }

  /** The attached mirror, after reporting a change of its state that no event announced. */
  poll(): Mirror | undefined {
    const mirror = this.#mirror;
    if (mirror !== undefined && mirror.state !== this.#reportedState) this.#reportState(mirror);
    return this.#mirror;
  }

  /** Detaches, since the host server reports that the application stopped or failed. */
  applicationEnded(cause: string | undefined): void {
    if (!this.isOpen) return;
    this.#detach();
    this.emit('state', 'stopped', cause);
    this.#retryLater();
  }

  async #attach(): Promise<void> {
    if (this.#attaching) return;
    this.#attaching = true;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    try {
      const client = await this.#link.client();
      const mirror = await client.mirror();
      if (this.isOpen) await this.#attached(client, mirror);
      else await client.unmap();
    } catch (error) {
      if (this.isOpen) await this.#attachFailed(error);
    } finally {
      this.#attaching = false;
    }
  }

  async #attached(client: Client, mirror: Mirror): Promise<void> {
    this.#detach();
    this.#mirror = mirror;
    mirror.on('state', () => this.#reportState(mirror));
    this.emit('attached');
    this.#reportState(mirror);
    const reconnected = (): void => {
      this.#reportSource(client, mirror).catch((error: unknown) => {
        this.#log.debug('cannot read the source of an application', { app: this.#link.app, error });
      });
    };
    client.on('reconnected', reconnected);
    this.#leaveClient = () => client.off('reconnected', reconnected);
    await this.#reportSource(client, mirror);
  }

  /** An application that was started again may have other options. */
  async #reportSource(client: Client, mirror: Mirror): Promise<void> {
    const { source, allowChanges = false } = await client.appInfo();
    // The attachment may have been closed during the request.
    if (this.isOpen && mirror === this.#mirror) this.emit('source', source, allowChanges);
  }

  async #attachFailed(error: unknown): Promise<void> {
    const stopped =
      isMirrorflowError(error, 'NOT_RUNNING') || isMirrorflowError(error, 'UNKNOWN_APPLICATION');
    this.emit('state', stopped ? 'stopped' : 'broken', describeError(error));
    // After an error of the source the client is sound, after any other it is replaced.
    if (!(isMirrorflowError(error) && error.code.startsWith('SOURCE_'))) await this.#link.close();
    this.#retryLater();
  }

  #retryLater(): void {
    if (!this.isOpen || this.#retryTimer !== undefined) return;
    this.#retryTimer = setTimeout(() => {
      this.#retryTimer = undefined;
      void this.#attach();
    }, RETRY_MS);
  }

  #detach(): void {
    this.#leaveClient?.();
    this.#leaveClient = undefined;
    this.#mirror?.removeAllListeners('state');
    this.#mirror = undefined;
  }

  #reportState(mirror: Mirror): void {
    if (mirror !== this.#mirror) return;
    const { state } = mirror;
    this.#reportedState = state;
    if (state === 'live') this.emit('state', 'live', undefined);
    else if (state === 'starting') this.emit('state', 'connecting', undefined);
    else this.emit('state', 'stale', undefined);
    if (state === 'stale') void this.#reportCause(mirror);
    if (state !== 'ended') return;
    this.#detach();
    void this.#link.close().then(() => this.#retryLater());
  }

  /**
   * The mirror has only the state of its source; the app server has the cause, which the duplicator
   * may report later than the state: until then it is asked again.
   */
  async #reportCause(mirror: Mirror): Promise<void> {
    try {
      const flows = await (await this.#link.client()).flows();
      const cause = flows.find(({ flow }) => flow === 'spectra')?.cause;
      const current = mirror === this.#mirror && mirror.state === 'stale';
      if (!current) return;
      if (cause !== undefined) this.emit('state', 'stale', cause);
      else setTimeout(() => void this.#reportCause(mirror), RETRY_MS).unref();
    } catch (error) {
      this.#log.debug('cannot read the cause of stale data', { app: this.#link.app, error });
    }
  }
}
