/**
 * One connected browser page: its WebSocket, the views it subscribed to, and what it has received
 * of each. `WebServer` creates one per accepted WebSocket. A view gets its next frame only after
 * the page has drawn the previous one, so a slow browser or line gets fewer frames and never a
 * growing queue. Writes to the socket; reads counts from the `AppWatch` of the chosen application.
 */
import type { WebSocket } from 'ws';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import {
  FRAME_CREDIT,
  type AxisCalibration,
  type Layout,
  type PageMessage,
  type PlayerRequest,
  type ServerMessage,
  type Subscription,
} from '../wire/messages.js';
import { parsePageMessage } from '../wire/page-messages.js';
import type { AppWatch } from './app-watch.js';
import type { AppRecords } from './app-records.js';
import type { EncodedFrame } from './encoded-frame.js';
import { FrameLine } from './frame-line.js';
import { frameKey, frameVersion, sharedFrame } from './frames.js';
import { Budget, ENCODING_BUDGET, MESSAGE_BUDGET, costOf } from './message-budget.js';
import type { Moment } from './past/moment.js';
import type { Past } from './past/past.js';
import { spectrumInfo } from './spectrum-info.js';
import {
  acquireCounts,
  countsKey,
  earlierCounts,
  isReading,
  problemOf,
  type ViewCounts,
} from './view-counts.js';

/** What a page may request of the process. */
export interface PageSessionServices {
  /** The watch of an application; undefined for an invalid name or one too many. */
  watch(app: string): AppWatch | undefined;
  readonly calibrations: AppRecords<AxisCalibration>;
  readonly layouts: AppRecords<Layout>;
  readonly past: Past;
  /** Sends trends and alarms of an application, until the returned function is called. */
  followTrends(app: string, send: (message: ServerMessage) => void): () => void;
  /** Calls `receive` with pictures of the network, until the returned function is called. */
  followNetwork(receive: (message: ServerMessage) => void): () => void;
  /** Starts or stops an application; throws the reason when that fails. */
  controlApplication(action: 'run' | 'stop', app: string): Promise<void>;
  /** Sends a command to the player of an application; throws the reason when that fails. */
  controlPlayer(app: string, request: PlayerRequest): Promise<void>;
  /** Whether the page has signed in; then it may also start and stop applications. */
  readonly signedIn: boolean;
  /** Whether frames are packed for a slow line. */
  readonly packsFrames: boolean;
  readonly log: Logger;
}

interface View {
  subscription: Subscription;
  /** Identifies the frame that the subscription asks for; equal keys share frames. */
  key: string;
  readonly counts: ViewCounts;
  /** Version of the last frame, `missing`, or empty before the first. */
  sentVersion: string;
  sentMs: number;
  unacknowledged: number;
  /** What the page received last, where changes since then can be sent. */
  last: EncodedFrame | undefined;
}

/** Bytes of last frames that are kept for one page; views beyond get whole frames. */
const LAST_FRAMES_BYTES_MAX = 64 * 2 ** 20;
const POLICY_VIOLATION = 1008;
/** Least time between two lists of subscriptions that are carried out. */
const SHOW_INTERVAL_MS = 50;
/** Time after which frames are tried again that the page's budget did not allow. */
const RETRY_MS = 100;

export class PageSession {
  readonly #socket: WebSocket;
  readonly #line: FrameLine;
  readonly #services: PageSessionServices;
  readonly #views = new Map<number, View>();
  #watch: AppWatch | undefined;
  #leaveWatch: () => void = () => undefined;
  #unfollowNetwork: (() => void) | undefined;
  readonly #messages = new Budget(MESSAGE_BUDGET, performance.now());
  readonly #encoding = new Budget(ENCODING_BUDGET, performance.now());
  /** The newest list of subscriptions, which waits for its turn. */
  #nextShow: readonly Subscription[] | undefined;
  #showTimer: NodeJS.Timeout | undefined;
  #shownMs = -Infinity;
  #retryTimer: NodeJS.Timeout | undefined;
  /** The moment whose gates and list the page shows. */
  #moment: Moment | undefined;

  constructor(socket: WebSocket, services: PageSessionServices) {
    this.#socket = socket;
    this.#services = services;
    this.#line = new FrameLine(socket, services.packsFrames, () => this.#sendFrames());
    socket.on('message', (data, isBinary) => {
      const message =
        isBinary || !Buffer.isBuffer(data) ? undefined : parsePageMessage(data.toString('utf8'));
      if (message === undefined) socket.close(POLICY_VIOLATION, 'invalid message');
      else if (!this.#messages.spend(costOf(message), performance.now()))
        socket.close(POLICY_VIOLATION, 'too many messages');
      else if (socket.readyState === socket.OPEN) this.#received(message);
    });
    socket.on('error', (error) => services.log.debug('the WebSocket of a page failed', { error }));
    socket.once('close', () => this.#closed());
  }

  send(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #received(message: PageMessage): void {
    switch (message.kind) {
      case 'app':
        return this.#selectApplication(message.app);
      case 'show':
        return this.#show(message.subscriptions);
      case 'ack':
        return this.#acknowledged(message.id, message.again === true);
      case 'remember':
        return this.#remember(message);
      case 'network':
        return this.#followNetwork(message.on);
      case 'moment':
        return this.#showMoment(message.atMs ?? undefined);
      case 'player':
        return void this.#controlPlayer(message.player);
      case 'control':
        return void this.#controlApplication(message);
      default:
        return message satisfies never;
    }
  }

  #selectApplication(app: string | null): void {
    if (app === (this.#watch?.app ?? null)) return;
    this.#leaveApplication();
    const watch = app === null ? undefined : this.#services.watch(app);
    if (watch === undefined) return;
    this.#watch = watch;
    const leave = watch.enter();
    const status = (): void => this.send({ kind: 'status', status: watch.status });
    const list = (): void => this.send({ kind: 'list', app: watch.app, spectra: watch.list });
    const gates = (): void => {
      const { app, gates: shapes, allowChanges } = watch;
      this.send({ kind: 'gates', app, gates: shapes, allowChanges });
    };
    const replay = (): void =>
      this.send({ kind: 'replay', app: watch.app, replay: watch.replay.replay ?? null });
    const run = (): void => this.send({ kind: 'run', app: watch.app, run: watch.run.info ?? null });
    const changed = (): void => this.#sendFrames();
    const { calibrations, layouts } = this.#services;
    const unfollowTrends = this.#services.followTrends(watch.app, (message) => this.send(message));
    const calibrated = (app = watch.app): void => {
      if (app !== watch.app) return;
      this.send({ kind: 'calibrations', app, calibrations: calibrations.of(app) });
    };
    const arranged = (app = watch.app): void => {
      if (app === watch.app) this.send({ kind: 'layouts', app, layouts: layouts.of(app) });
    };
    calibrations.on('changed', calibrated);
    layouts.on('changed', arranged);
    watch.on('status', status).on('list', list).on('gates', gates).on('changed', changed);
    watch.on('replay', replay).on('run', run);
    const { past } = this.#services;
    const settled = (moment: Moment): void => this.#settled(moment);
    past.on('settled', settled);
    const unfollow = past.followTimeline(watch.app, (timeline) =>
      this.send({ kind: 'timeline', app: watch.app, timeline }),
    );
    this.#leaveWatch = () => {
      unfollowTrends();
      calibrations.off('changed', calibrated);
      layouts.off('changed', arranged);
      watch.off('status', status).off('list', list).off('gates', gates).off('changed', changed);
      watch.off('replay', replay).off('run', run);
      past.off('settled', settled);
      unfollow();
      leave();
    };
    status();
    calibrated();
    arranged();
    if (watch.listIsKnown) list();
    if (watch.gates.length > 0 || watch.allowChanges) gates();
    if (watch.replay.replay !== undefined) replay();
    if (watch.run.info !== undefined) run();
  }

  #leaveApplication(): void {
    this.#nextShow = undefined;
    this.#setSubscriptions([]);
    this.#showMoment(undefined);
    this.#leaveWatch();
    this.#leaveWatch = () => undefined;
    this.#watch = undefined;
  }

  /** Handles at most one list per SHOW_INTERVAL_MS: of those that arrive meanwhile the newest. */
  #show(subscriptions: readonly Subscription[]): void {
    this.#nextShow = subscriptions;
    if (this.#showTimer !== undefined) return;
    const waitMs = this.#shownMs + SHOW_INTERVAL_MS - performance.now();
    if (waitMs <= 0) this.#carryOutShow();
    else this.#showTimer = setTimeout(() => this.#carryOutShow(), waitMs);
  }

  #carryOutShow(): void {
    this.#showTimer = undefined;
    this.#shownMs = performance.now();
    const subscriptions = this.#nextShow;
    this.#nextShow = undefined;
    if (subscriptions !== undefined) this.#setSubscriptions(subscriptions);
  }

  #setSubscriptions(subscriptions: readonly Subscription[]): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    const requested = new Map(subscriptions.map((subscription) => [subscription.id, subscription]));
    const unacknowledged = new Map<number, number>();
    for (const [id, view] of this.#views) {
      const subscription = requested.get(id);
      if (subscription !== undefined && countsKey(subscription) === view.counts.key) continue;
      this.#views.delete(id);
      view.counts.release();
      // Another moment of the same spectrum: the page still draws the last frame.
      if (subscription?.spectrum === view.subscription.spectrum) unacknowledged.set(id, view.unacknowledged);
    }
    for (const [id, subscription] of requested) {
      const view = this.#views.get(id);
      if (view !== undefined) changeView(view, subscription);
      else {
        const held = new Set([...this.#views.values()].flatMap(({ counts }) => counts.moments));
        const counts = acquireCounts(subscription, watch, this.#services.past, held);
        this.#views.set(id, openView(subscription, counts, unacknowledged.get(id) ?? 0));
      }
    }
    if (watch.cache.hasUnreadSpectrum) watch.refresh();
    this.#sendFrames();
  }

  #acknowledged(id: number, again: boolean): void {
    const view = this.#views.get(id);
    if (view === undefined || view.unacknowledged === 0) return;
    view.unacknowledged -= 1;
    if (again) {
      view.last = undefined;
      view.sentVersion = '';
    }
    // Where the line is full, other views may have waited longer.
    if (this.#line.checkRoom()) this.#sendFrame(id, view);
  }

  /** The views that have waited longest come first, since the line may not take all. */
  #sendFrames(): void {
    const views = [...this.#views].sort(([, one], [, other]) => one.sentMs - other.sentMs);
    for (const [id, view] of views) this.#sendFrame(id, view);
  }

  /** Sends the newest frame of a view when it is new, due, and the page can take it. */
  #sendFrame(id: number, view: View): void {
    const watch = this.#watch;
    const { subscription } = view;
    const { source, spectrum } = view.counts;
    if (watch === undefined || view.unacknowledged >= FRAME_CREDIT) return;
    const problem = problemOf(view.counts);
    if (problem !== undefined) return this.#sendMissing(id, view, problem);
    if (spectrum.version === 0 || isReading(view.counts)) return;
    const { historyVersion } = source.cache;
    const countsVersion = frameVersion(spectrum, subscription, historyVersion);
    if (countsVersion === '') return this.#sendMissing(id, view);
    const nowMs = performance.now();
    // The bins of the metadata decide which channels the axes show: another picture of the same
    // counts.
    const version = `${countsVersion} ${source.metadata.revision}`;
    if (version === view.sentVersion || nowMs - view.sentMs < (subscription.minIntervalMs ?? 0)) return;
    if (!this.#line.checkRoom()) return;
    const { binding } = spectrum;
    if (binding === undefined) return;
    if (!this.#mayEncode(nowMs)) return;
    const info = spectrumInfo(binding, source.metadata.spectrum(binding.name));
    const frame = sharedFrame(spectrum, view.key, subscription, info, {
      nowMs,
      historyVersion,
      gates: source.gates,
      gatesRevision: source.metadata.revision,
      ...source.publication,
      earlier: earlierCounts(view.counts),
      rememberedAt: (atMs) => watch.moments.find(spectrum.name, atMs),
    });
    if (frame === undefined) return;
    view.sentVersion = version;
    view.sentMs = nowMs;
    view.unacknowledged += 1;
    this.#line.send(id, frame, view.last, () => this.#views.get(id) === view);
    view.last = this.#mayKeep(frame, view) ? frame : undefined;
    this.#encoding.spend(performance.now() - nowMs, nowMs);
  }

  #sendMissing(id: number, view: View, reason?: string): void {
    if (view.sentVersion !== 'missing')
      this.send({ kind: 'missing', id, ...(reason === undefined ? {} : { reason }) });
    view.sentVersion = 'missing';
  }

  #showMoment(atMs: number | undefined): void {
    const watch = this.#watch;
    const previous = this.#moment;
    this.#moment =
      atMs === undefined || watch === undefined ? undefined : this.#services.past.acquire(watch.app, atMs);
    if (previous !== undefined) this.#services.past.release(previous);
    if (this.#moment?.isSettled === true) this.#settled(this.#moment);
  }

  #settled(moment: Moment): void {
    if (moment === this.#moment) {
      const { app, atMs, shown, problem } = moment;
      this.send({
        kind: 'moment',
        app,
        atMs,
        ...(shown === undefined ? {} : { shown }),
        ...(problem === undefined ? {} : { error: problem }),
      });
    }
    for (const [id, view] of this.#views) if (view.counts.moments.includes(moment)) this.#sendFrame(id, view);
  }

  #mayKeep({ values }: EncodedFrame, view: View): boolean {
    if (!this.#line.packs) return false;
    let bytes = values.byteLength;
    for (const other of this.#views.values()) {
      if (other !== view) bytes += other.last?.values.byteLength ?? 0;
    }
    return bytes <= LAST_FRAMES_BYTES_MAX;
  }

  /**
   * Whether the page has time left to encode frames: one that keeps asking for other views must not
   * keep the viewer from serving others.
   */
  #mayEncode(nowMs: number): boolean {
    if (this.#services.signedIn || this.#encoding.spend(0, nowMs)) return true;
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.#sendFrames();
    }, RETRY_MS);
    return false;
  }

  /** Only spectra whose present counts the page shows, so that they are in the cache. */
  #remember({ request, spectra }: PageMessage & { kind: 'remember' }): void {
    const watch = this.#watch;
    // Whole milliseconds are what addresses have; publications are dated in nanoseconds.
    const atMs = Math.round(watch?.publication.atMs ?? 0);
    const shown = [...this.#views.values()]
      .filter(({ counts }) => counts.source === watch)
      .map(({ counts }) => counts.spectrum);
    const remembered = spectra.every((name) => {
      const spectrum = shown.find((one) => one.name === name && one.binding !== undefined);
      return spectrum !== undefined && watch?.moments.remember(name, atMs, spectrum.counts) === true;
    });
    this.send({ kind: 'remembered', request, ...(remembered ? { atMs } : {}) });
  }

  #followNetwork(on: boolean): void {
    this.#unfollowNetwork?.();
    this.#unfollowNetwork = on ? this.#services.followNetwork((message) => this.send(message)) : undefined;
  }

  async #controlPlayer(request: PlayerRequest): Promise<void> {
    const app = this.#watch?.app;
    if (app === undefined) return;
    if (!this.#services.signedIn) {
      return this.send({ kind: 'refused', error: 'Sign in to control the replay.' });
    }
    try {
      await this.#services.controlPlayer(app, request);
    } catch (error) {
      this.send({ kind: 'refused', error: describeError(error) });
    }
  }

  async #controlApplication({ request, action, app }: PageMessage & { kind: 'control' }): Promise<void> {
    if (!this.#services.signedIn) {
      return this.send({ kind: 'answer', request, error: 'Sign in to start and stop applications.' });
    }
    try {
      await this.#services.controlApplication(action, app);
      this.send({ kind: 'answer', request });
    } catch (error) {
      this.send({ kind: 'answer', request, error: describeError(error) });
    }
  }

  #closed(): void {
    clearTimeout(this.#showTimer);
    clearTimeout(this.#retryTimer);
    this.#unfollowNetwork?.();
    this.#leaveApplication();
  }
}

function openView(subscription: Subscription, counts: ViewCounts, unacknowledged: number): View {
  return {
    subscription,
    key: frameKey(subscription),
    counts,
    sentVersion: '',
    sentMs: -Infinity,
    unacknowledged,
    last: undefined,
  };
}

function changeView(view: View, subscription: Subscription): void {
  const key = frameKey(subscription);
  if (view.key !== key) {
    // Another part of the same spectrum is due at once, whatever `minIntervalMs` is.
    view.sentVersion = '';
    view.sentMs = -Infinity;
  }
  view.key = key;
  view.subscription = subscription;
}
