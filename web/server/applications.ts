/**
 * Everything that all pages of the web process share: one link and one watch per application, the
 * list of applications, and the picture of the network. `WebServer` owns the only one and connects
 * page sessions and metrics to it. Runs timers while pages follow; its links open sockets.
 */
import type { ApplicationInfo, Client } from '../../client-lib/index.js';
import { systemClock } from '../../protocol/base/clock.js';
import type { AlarmActions } from '../../protocol/host/alarm-actions.js';
import { checkName } from '../../protocol/base/names.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { Layout } from '../wire/layout.js';
import type { ServerMessage } from '../wire/messages.js';
import type { NetworkApplication, NetworkPicture } from '../wire/network.js';
import type { PlayerRequest } from '../wire/recording.js';
import type { AxisCalibration } from '../wire/spectrum-info.js';
import { AppLink } from './app-link.js';
import { AppWatch } from './app-watch.js';
import { AppRecords } from './app-records.js';
import { CALIBRATIONS } from './calibrations.js';
import { LAYOUTS } from './layouts.js';
import { HostLink } from './host-link.js';
import { NetworkSampler } from './network.js';
import { Past } from './past/past.js';
import { sendPlayerCommand } from './player-commands.js';
import { RecorderDirectories } from './past/recorder-directories.js';
import type { TrendMetrics } from './trends/trend-metrics.js';
import { ScalerReader } from './trends/scaler-reader.js';
import { Trends } from './trends/trends.js';

type Receive = (message: ServerMessage) => void;

/** Whether a page or scraper may see an application; `info` undefined: nothing is known of it. */
export type MaySee = (info: ApplicationInfo | undefined) => boolean;

/** The host whose applications are shown. */
export interface ViewedHost {
  /** Runtime directory of the host server; undefined for the default places. */
  readonly directory: string | undefined;
  /** Where calibrations, layouts, trends, alarms and the record of changes are kept. */
  readonly stateDirectory: string;
  /** Directories in which recordings lie, besides those of recorders. */
  readonly recordings: readonly string[];
  /** What alarms do outside of the page; undefined: nothing. */
  readonly alarmActions?: AlarmActions | undefined;
}

const PICTURE_INTERVAL_MS = 1_000;
/** Watched names at a time, so that a page cannot create any number of links. */
const WATCHES_MAX = 256;

export class Applications {
  readonly calibrations: AppRecords<AxisCalibration>;
  readonly layouts: AppRecords<Layout>;
  readonly past: Past;
  readonly trends: Trends;
  readonly #host: HostLink;
  readonly #log: Logger;
  readonly #directory: string | undefined;
  readonly #links = new Map<string, AppLink>();
  readonly #watches = new Map<string, AppWatch>();
  readonly #pageNetwork: NetworkSampler;
  /** Apart from that of the pages, so that a scrape's rates are those since the last scrape. */
  readonly #metricsNetwork: NetworkSampler;
  readonly #pictureReceivers = new Map<Receive, MaySee>();
  #pictureTimer: NodeJS.Timeout | undefined;
  #sendingPicture = false;
  #closed = false;
  #playerCommands: Promise<void> = Promise.resolve();

  constructor({ directory, stateDirectory, recordings, alarmActions }: ViewedHost, log: Logger) {
    this.#directory = directory;
    this.calibrations = new AppRecords(stateDirectory, CALIBRATIONS, log);
    this.layouts = new AppRecords(stateDirectory, LAYOUTS, log);
    this.#log = log;
    const clientOf = (app: string): Promise<Client> => this.#link(app).client();
    const recorders = new RecorderDirectories(clientOf, systemClock, log);
    const places = {
      stateDirectory,
      further: recordings,
      directoryOf: (app: string) => recorders.of(app, this.#infoOf(app)?.state === 'running'),
    };
    this.past = new Past({ places, clock: systemClock, log });
    this.#host = new HostLink(directory, log);
    this.#pageNetwork = new NetworkSampler(clientOf);
    this.#metricsNetwork = new NetworkSampler(clientOf);
    this.#host.on('applications', () => this.#releaseEnded());
    this.trends = new Trends({
      watch: (app) => this.watch(app),
      scalers: (app) => new ScalerReader(new AppLink(app, directory), log),
      stateDirectory,
      alarmActions,
      clock: systemClock,
      wallMs: Date.now,
      log,
    });
    this.trends.start();
  }

  /**
   * Sends the list of applications now and when it changes, until the returned function is called.
   */
  followApplications(receive: Receive, maySee: MaySee): () => void {
    const send = (): void => receive(this.#listMessage(maySee));
    this.#host.on('applications', send);
    const stopPolling = this.#host.startPolling();
    if (this.#host.isUpToDate) send();
    void this.#host.refresh().then(send);
    return () => {
      this.#host.off('applications', send);
      stopPolling();
    };
  }

  /**
   * Attaches to the application that a page shows first, while its browser still loads the page.
   */
  attachFirstApplication(): void {
    void this.#host.refresh().then(() => {
      const first = this.#host.applications.find(({ state }) => state === 'running');
      if (first === undefined) return;
      // Entering and leaving keeps the watch open for its linger time.
      const leave = this.watch(first.name)?.enter();
      leave?.();
    });
  }

  /** Whether the host server lists an application of this name, which the page may see. */
  async knows(app: string, maySee: MaySee): Promise<boolean> {
    const isListed = (): boolean => this.#host.applications.some((info) => info.name === app && maySee(info));
    if (!isListed()) await this.#host.refresh();
    return isListed();
  }

  /** As `watch`; undefined also for an application that the page may not see. */
  watchFor(app: string, maySee: MaySee): AppWatch | undefined {
    return maySee(this.#infoOf(app)) ? this.watch(app) : undefined;
  }

  /** Undefined for an invalid name, and beyond the limit of watches. */
  watch(app: string): AppWatch | undefined {
    const existing = this.#watches.get(app);
    if (existing !== undefined) return existing;
    if (!isName(app) || this.#watches.size >= WATCHES_MAX || this.#closed) return undefined;
    const watch = new AppWatch(this.#link(app), this.#log);
    this.#watches.set(app, watch);
    return watch;
  }

  /** Sends a picture of the network every second, until the returned function is called. */
  followNetwork(receive: Receive, maySee: MaySee): () => void {
    this.#pictureReceivers.set(receive, maySee);
    this.#pictureTimer ??= setInterval(() => void this.#sendPicture(), PICTURE_INTERVAL_MS);
    void this.#sendPicture();
    return () => {
      this.#pictureReceivers.delete(receive);
      if (this.#pictureReceivers.size > 0) return;
      clearInterval(this.#pictureTimer);
      this.#pictureTimer = undefined;
    };
  }

  /** Asks SpecTcl for spectra and gates of an application that pages follow. */
  refreshMetadata(app: string): void {
    this.#watches.get(app)?.metadata.refresh();
  }

  async controlApplication(action: 'run' | 'stop', app: string): Promise<void> {
    checkName('application', app);
    this.#log.info(`a page requested to ${action} an application`, { application: app });
    if (action === 'run') await this.#host.run(app);
    else await this.#host.stop(app);
  }

  /** Throws the reason when the player did not receive the command. */
  async controlPlayer(app: string, request: PlayerRequest): Promise<void> {
    this.#log.info(`a page requested to ${request.action} a player`, { application: app });
    // One after the other: commands share the name of a client.
    const sent = this.#playerCommands.then(() => sendPlayerCommand(app, this.#directory, request));
    this.#playerCommands = sent.catch(() => undefined);
    await sent;
    this.#watches.get(app)?.replay.refresh();
  }

  async pictureForMetrics(maySee: MaySee): Promise<NetworkPicture> {
    await this.#host.refresh();
    const { applications, hostServerConnected } = this.#host;
    const picture = await this.#metricsNetwork.picture(applications, hostServerConnected);
    const visible = this.#visible(picture, maySee);
    return {
      ...visible,
      applications: await Promise.all(visible.applications.map((app) => this.#withRun(app))),
    };
  }

  /** The trends and alarms of the applications that a scraper may see. */
  trendMetrics(maySee: MaySee): TrendMetrics {
    return {
      apps: this.trends.apps.filter(({ app }) => maySee(this.#infoOf(app))),
      deliveries: this.trends.deliveries,
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#pictureTimer);
    await this.trends.close();
    await Promise.all([...this.#watches.values()].map((watch) => watch.close()));
    await Promise.all([...this.#links.values()].map((link) => link.close()));
    await this.past.close();
    await this.#host.close();
  }

  async #withRun(application: NetworkApplication): Promise<NetworkApplication> {
    const { name, state, source } = application;
    if (state !== 'running') return application;
    const run = await this.watch(name)?.run.read(source);
    return run === undefined ? application : { ...application, run };
  }

  #link(app: string): AppLink {
    const existing = this.#links.get(app);
    if (existing !== undefined) return existing;
    const link = new AppLink(app, this.#directory);
    this.#links.set(app, link);
    return link;
  }

  #infoOf(app: string): ApplicationInfo | undefined {
    return this.#host.applications.find(({ name }) => name === app);
  }

  #visible(picture: NetworkPicture, maySee: MaySee): NetworkPicture {
    return {
      ...picture,
      applications: picture.applications.filter(({ name }) => maySee(this.#infoOf(name))),
    };
  }

  #listMessage(maySee: MaySee): ServerMessage {
    return {
      kind: 'applications',
      hostServer: this.#host.hostServerConnected,
      applications: this.#host.applications.filter(maySee).map(listed),
    };
  }

  /** Closes the links of ended applications: a client would search its app server without end. */
  #releaseEnded(): void {
    if (!this.#host.hostServerConnected) return;
    for (const { name, state, cause } of this.#host.applications) {
      if (state !== 'stopped' && state !== 'failed') continue;
      this.#watches.get(name)?.applicationEnded(cause);
      void this.#links.get(name)?.close();
    }
  }

  async #sendPicture(): Promise<void> {
    if (this.#sendingPicture) return;
    this.#sendingPicture = true;
    try {
      await this.#host.refresh();
      const picture = await this.#pageNetwork.picture(
        this.#host.applications,
        this.#host.hostServerConnected,
      );
      const farHosts = this.#host.farHosts();
      const far = farHosts.length === 0 ? {} : { far: farHosts };
      for (const [receive, maySee] of this.#pictureReceivers) {
        receive({ kind: 'network', picture: { ...this.#visible(picture, maySee), ...far } });
      }
    } finally {
      this.#sendingPicture = false;
    }
  }
}

function listed({ name, state, source, cause, restarts }: ApplicationInfo) {
  return {
    name,
    state,
    restarts,
    ...(source === undefined ? {} : { source }),
    ...(cause === undefined ? {} : { cause }),
  };
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
