/**
 * All applications as the pages share them: one link and one watch each, one list, one picture of
 * the network.
 */
import type { Client } from '../../client-lib/index.js';
import { checkName } from '../../protocol/base/names.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { NetworkPicture, ServerMessage } from '../wire/messages.js';
import { AppLink } from './app-link.js';
import { AppWatch } from './app-watch.js';
import { HostLink } from './host-link.js';
import { NetworkLooks } from './network.js';

type Receive = (message: ServerMessage) => void;

const PICTURE_MS = 1_000;
/** Names that may be watched at a time, so that a page cannot make any number of links. */
const WATCHES_MAX = 256;

export class Applications {
  readonly #host: HostLink;
  readonly #log: Logger;
  readonly #directory: string | undefined;
  readonly #links = new Map<string, AppLink>();
  readonly #watches = new Map<string, AppWatch>();
  readonly #looks: NetworkLooks;
  /** Scrapes have their own looks, so that their rates are those between two scrapes. */
  readonly #metricsLooks: NetworkLooks;
  readonly #pictureReceivers = new Set<Receive>();
  #pictureTimer: NodeJS.Timeout | undefined;
  #picturing = false;
  #closed = false;

  constructor(directory: string | undefined, log: Logger) {
    this.#directory = directory;
    this.#log = log;
    this.#host = new HostLink(directory, log);
    const clientOf = (app: string): Promise<Client> => this.#link(app).client();
    this.#looks = new NetworkLooks(clientOf);
    this.#metricsLooks = new NetworkLooks(clientOf);
    this.#host.on('applications', () => this.#applicationsChanged());
  }

  /**
   * Tells the list of applications now and when it changes, until the returned function is called.
   */
  followApplications(receive: Receive): () => void {
    const tell = (): void => receive(this.#listMessage());
    this.#host.on('applications', tell);
    const unfollow = this.#host.startPolling();
    if (this.#host.isUpToDate) tell();
    void this.#host.refresh().then(tell);
    return () => {
      this.#host.off('applications', tell);
      unfollow();
    };
  }

  /**
   * A page will be there in a moment: the application that it shows first is attached to meanwhile.
   */
  attachFirstApplication(): void {
    void this.#host.refresh().then(() => {
      const first = this.#host.applications.find(({ state }) => state === 'running');
      if (first !== undefined) this.watch(first.name)?.enter()();
    });
  }

  /** Undefined for what is no name, or one too many. */
  watch(app: string): AppWatch | undefined {
    const known = this.#watches.get(app);
    if (known !== undefined) return known;
    if (!isName(app) || this.#watches.size >= WATCHES_MAX || this.#closed) return undefined;
    const watch = new AppWatch(this.#link(app), this.#log);
    this.#watches.set(app, watch);
    return watch;
  }

  followNetwork(receive: Receive): () => void {
    this.#pictureReceivers.add(receive);
    this.#pictureTimer ??= setInterval(() => void this.#tellPicture(), PICTURE_MS);
    void this.#tellPicture();
    return () => {
      this.#pictureReceivers.delete(receive);
      if (this.#pictureReceivers.size > 0) return;
      clearInterval(this.#pictureTimer);
      this.#pictureTimer = undefined;
    };
  }

  async controlApplication(action: 'run' | 'stop', app: string): Promise<void> {
    checkName('application', app);
    this.#log.info(`asked to ${action} an application`, { application: app });
    if (action === 'run') await this.#host.run(app);
    else await this.#host.stop(app);
  }

  async pictureForMetrics(): Promise<NetworkPicture> {
    await this.#host.refresh();
    return this.#metricsLooks.picture(this.#host.applications, this.#host.hostServer);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#pictureTimer);
    await Promise.all([...this.#watches.values()].map((watch) => watch.close()));
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    await this.#host.close();
  }

  #link(app: string): AppLink {
    const known = this.#links.get(app);
    if (known !== undefined) return known;
    const link = new AppLink(app, this.#directory);
    this.#links.set(app, link);
    return link;
  }

  #listMessage(): ServerMessage {
    return {
      kind: 'applications',
      hostServer: this.#host.hostServer,
      applications: this.#host.applications.map(({ name, state, source, cause, restarts }) => ({
        name,
        state,
        restarts,
        ...(source === undefined ? {} : { source }),
        ...(cause === undefined ? {} : { cause }),
      })),
    };
  }

  /** What ended is let go of: a client would try to find its app server again for ever. */
  #applicationsChanged(): void {
    if (!this.#host.hostServer) return;
    for (const { name, state, cause } of this.#host.applications) {
      if (state !== 'stopped' && state !== 'failed') continue;
      this.#watches.get(name)?.applicationEnded(cause);
      void this.#links.get(name)?.close();
    }
  }

  async #tellPicture(): Promise<void> {
    if (this.#picturing) return;
    this.#picturing = true;
    try {
      await this.#host.refresh();
      const picture = await this.#looks.picture(this.#host.applications, this.#host.hostServer);
      for (const receive of this.#pictureReceivers) receive({ kind: 'network', picture });
    } finally {
      this.#picturing = false;
    }
  }
}

function isName(app: string): boolean {
  try {
    checkName('application', app);
    return true;
  } catch (error) {
    if (isMirrorflowError(error, 'BAD_NAME')) return false;
    throw error;
  }
}
