/**
 * One connected browser page: its WebSocket, what its messages ask for, and which application and
 * moment it shows. `PageSockets` creates one per accepted WebSocket. The spectra are those of
 * `PageViews`, the rest that is shown that of `application-feed.ts`. Writes to the socket.
 */
import type { WebSocket } from 'ws';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import type { PageMessage, ServerMessage } from '../wire/messages.js';
import type { PlayerRequest } from '../wire/recording.js';
import type { Subscription } from '../wire/subscription.js';
import { parsePageMessage } from '../wire/page-messages.js';
import type { AppWatch } from './app-watch.js';
import { followApplication, type ApplicationRecords } from './application-feed.js';
import { FrameLine } from './frame-line.js';
import { Budget, MESSAGE_BUDGET, costOf } from './message-budget.js';
import { PageViews } from './page-views.js';
import type { Moment } from './past/moment.js';

/** What the request of a WebSocket says about its page. */
export interface PageSender {
  /** Whether the page has signed in; then it may also start and stop applications. */
  readonly signedIn: boolean;
  /** Whether frames are packed for a slow line. */
  readonly packsFrames: boolean;
}

/** What a page may request of the process. */
export interface PageSessionServices extends ApplicationRecords {
  /** The watch of an application; undefined for an invalid name or one too many. */
  watch(app: string): AppWatch | undefined;
  /** Calls `receive` with pictures of the network, until the returned function is called. */
  followNetwork(receive: (message: ServerMessage) => void): () => void;
  /** Starts or stops an application; throws the reason when that fails. */
  controlApplication(action: 'run' | 'stop', app: string): Promise<void>;
  /** Sends a command to the player of an application; throws the reason when that fails. */
  controlPlayer(app: string, request: PlayerRequest): Promise<void>;
  readonly log: Logger;
}

const POLICY_VIOLATION = 1008;
/** Least time between two lists of subscriptions that are carried out. */
const SHOW_INTERVAL_MS = 50;

export class PageSession {
  readonly #socket: WebSocket;
  readonly #services: PageSessionServices;
  readonly #signedIn: boolean;
  readonly #messages = new Budget(MESSAGE_BUDGET, performance.now());
  readonly #views: PageViews;
  /** The application that the page shows. */
  #watch: AppWatch | undefined;
  #leaveWatch: () => void = () => undefined;
  /** The moment whose gates and list the page shows. */
  #moment: Moment | undefined;
  #unfollowNetwork: (() => void) | undefined;
  /** The newest list of subscriptions, which waits for its turn. */
  #nextShow: readonly Subscription[] | undefined;
  #showTimer: NodeJS.Timeout | undefined;
  #shownMs = -Infinity;

  constructor(socket: WebSocket, { signedIn, packsFrames }: PageSender, services: PageSessionServices) {
    this.#socket = socket;
    this.#services = services;
    this.#signedIn = signedIn;
    const line = new FrameLine(socket, packsFrames, () => this.#views.sendFrames());
    this.#views = new PageViews(line, services.past, (message) => this.send(message), !signedIn);
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
        return this.#views.acknowledged(message.id, message.again === true);
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
    this.#views.open(watch);
    const { past } = this.#services;
    const leave = watch.enter();
    const changed = (): void => this.#views.sendFrames();
    const settled = (moment: Moment): void => this.#settled(moment);
    watch.on('changed', changed);
    past.on('settled', settled);
    const unfollow = followApplication(watch, this.#services, (message) => this.send(message));
    this.#leaveWatch = () => {
      unfollow();
      watch.off('changed', changed);
      past.off('settled', settled);
      leave();
    };
  }

  #leaveApplication(): void {
    this.#nextShow = undefined;
    this.#views.close();
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
    if (subscriptions !== undefined) this.#views.set(subscriptions);
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
    this.#views.settled(moment);
  }

  /** Only spectra whose present counts the page shows, so that they are in the cache. */
  #remember({ request, spectra }: PageMessage & { kind: 'remember' }): void {
    const watch = this.#watch;
    // Whole milliseconds are what addresses have; publications are dated in nanoseconds.
    const atMs = Math.round(watch?.publication.atMs ?? 0);
    const shown = this.#views.presentSpectra();
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
    if (!this.#signedIn) {
      return this.send({ kind: 'refused', error: 'Sign in to control the replay.' });
    }
    try {
      await this.#services.controlPlayer(app, request);
    } catch (error) {
      this.send({ kind: 'refused', error: describeError(error) });
    }
  }

  async #controlApplication({ request, action, app }: PageMessage & { kind: 'control' }): Promise<void> {
    if (!this.#signedIn) {
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
    this.#unfollowNetwork?.();
    this.#leaveApplication();
  }
}
