/**
 * Follows the spectra of one application while at least one page shows them, or trends need them:
 * one mirror, one comparison per publication, one list of spectra, shared by all pages.
 * `Applications` creates one watch per application; each `PageSession` enters the watch of the
 * application it shows.
 *
 *     MirrorAttachment     connects, retries        PublicationReader   reads a publication
 *     WatchStatusTracker   state and rate           SpectrumCache       counts and their history
 *     SourceMetadata       bins and gates by REST   SpectrumListing     the list of spectra
 *     ReplayPosition       position of a replay
 *
 * Runs a timer while pages are there; the parts above touch sockets and shared memory.
 */
import { EventEmitter } from 'eventemitter3';
import type { Mirror } from '../../client-lib/index.js';
import type { Logger } from '../../protocol/base/log.js';
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { WatchState, WatchStatus } from '../wire/application.js';
import type { SpectrumInfo } from '../wire/spectrum-info.js';
import type { AppLink } from './app-link.js';
import { MirrorAttachment } from './mirror-attachment.js';
import { PublicationReader, type PublicationChanges, type PublicationInfo } from './publication-reader.js';
import { ReplayPosition } from './replay-position.js';
import { RememberedMoments } from './remembered-moments.js';
import { RunReader } from './run-reader.js';
import { SourceMetadata } from './source-metadata.js';
import { SpectrumCache } from './spectrum-cache.js';
import { SpectrumListing } from './spectrum-listing.js';
import { UseCounter } from './use-counter.js';
import { WatchStatusTracker } from './watch-status.js';

interface WatchEvents {
  status: [status: WatchStatus];
  list: [];
  gates: [];
  replay: [];
  run: [];
  /** A cached spectrum has changed, or the history that rates are taken from has grown. */
  changed: [];
}

/** Milliseconds between two polls of the mirror: at most 25 pictures a second. */
const POLL_MS = 40;
/** Milliseconds between two questions for the run. */
const RUN_MS = 2_000;
/** The mirror stays attached this long after the last page, so that a reload opens at once. */
const LINGER_MS = 5_000;

export class AppWatch extends EventEmitter<WatchEvents> {
  readonly app: string;
  readonly cache = new SpectrumCache();
  readonly moments = new RememberedMoments();
  /** What its SpecTcl says of the present run. */
  readonly run: RunReader;
  /** What the source's REST service adds to the display memory. */
  readonly metadata: SourceMetadata;
  /** Position of the replay, for an application that plays a recording. */
  readonly replay: ReplayPosition;
  readonly #log: Logger;
  readonly #attachment: MirrorAttachment;
  readonly #listing: SpectrumListing;
  readonly #reader: PublicationReader;
  readonly #status: WatchStatusTracker;
  readonly #pages = new UseCounter(() => this.#pageLeft());
  readonly #keepers = new UseCounter(() => this.#keeperLeft());
  #pollTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #refreshedMs = -Infinity;
  #source: string | undefined;
  #runTimer: NodeJS.Timeout | undefined;
  #allowChanges = false;

  constructor(link: AppLink, log: Logger) {
    super();
    this.app = link.app;
    this.#log = log;
    this.metadata = new SourceMetadata(log);
    this.replay = new ReplayPosition(log);
    this.replay.on('changed', () => this.emit('replay'));
    this.run = new RunReader(log);
    this.#attachment = new MirrorAttachment(link, log);
    this.#listing = new SpectrumListing(this.metadata);
    this.#reader = new PublicationReader(this.cache, this.#listing);
    this.#status = new WatchStatusTracker(link.app, Date.now());
    this.metadata.on('changed', () => this.#metadataChanged());
    this.#attachment.on('state', (state, cause) => this.#stateChanged(state, cause));
    this.#attachment.on('attached', () => this.#reader.invalidate());
    this.#attachment.on('source', (address, allowChanges) => {
      this.#source = address;
      this.#allowChanges = allowChanges;
      this.emit('gates');
      this.metadata.start(address);
      this.replay.start(address);
      this.#source = address;
      void this.#readRun();
      this.#poll();
    });
  }

  get status(): WatchStatus {
    return this.#status.status;
  }

  get list(): readonly SpectrumInfo[] {
    return this.#listing.spectra;
  }

  /** The address of the application's source; undefined before the first attachment. */
  get source(): string | undefined {
    return this.#source;
  }

  /** Whether there is a mirror to read: not right after `enter`. */
  get isAttached(): boolean {
    return this.#attachment.isAttached;
  }

  /** Whether the list has been read: it may be empty. */
  get listIsKnown(): boolean {
    return this.#listing.isKnown;
  }

  /** Whether the application lets pages change its SpecTcl. */
  get allowChanges(): boolean {
    return this.#allowChanges;
  }

  get gates(): readonly GateShape[] {
    return this.metadata.gates;
  }

  /** The newest publication that was read. */
  get publication(): PublicationInfo {
    return this.#reader.publication;
  }

  /** Follows the application for one page, until the returned function is called. */
  enter(): () => void {
    clearTimeout(this.#lingerTimer);
    this.#lingerTimer = undefined;
    this.#pollTimer ??= setInterval(() => this.#poll(), POLL_MS);
    this.#runTimer ??= setInterval(() => void this.#readRun(), RUN_MS);
    this.#attachment.open();
    return this.#pages.acquire();
  }

  /**
   * Keeps the mirror attached for `readMirror` until the returned function is called, without a
   * timer that reads it and without a cache.
   */
  keepAttached(): () => void {
    this.#attachment.open();
    return this.#keepers.acquire();
  }

  /**
   * Reads soon, since a page has requested a spectrum that is not in the cache: at once, unless
   * that happened just now.
   */
  refresh(): void {
    this.#reader.invalidate();
    const nowMs = performance.now();
    if (nowMs - this.#refreshedMs < POLL_MS) return;
    this.#refreshedMs = nowMs;
    this.#poll();
  }

  /**
   * Runs `use` over the newest publication; undefined while no mirror is attached. `use` may run
   * twice, and keeps no part of the view.
   */
  readMirror<T>(use: Parameters<typeof Mirror.prototype.read<T>>[0]): T | undefined {
    return this.#attachment.poll()?.read(use);
  }

  /** The host server reports that the application stopped or failed. */
  applicationEnded(cause: string | undefined): void {
    if (this.status.state !== 'stopped') this.#attachment.applicationEnded(cause);
  }

  /** Stops following. Idempotent; `enter` begins again. */
  async close(): Promise<void> {
    clearInterval(this.#pollTimer);
    clearInterval(this.#runTimer);
    clearTimeout(this.#lingerTimer);
    this.#pollTimer = undefined;
    this.#runTimer = undefined;
    this.run.close();
    this.#lingerTimer = undefined;
    this.metadata.stop();
    this.replay.stop();
    await this.#attachment.close();
  }

  async #readRun(): Promise<void> {
    const before = JSON.stringify(this.run.info);
    await this.run.read(this.#source);
    if (JSON.stringify(this.run.info) !== before) this.emit('run');
  }

  #pageLeft(): void {
    if (this.#pages.inUse) return;
    this.#lingerTimer = setTimeout(() => {
      this.#lingerTimer = undefined;
      clearInterval(this.#pollTimer);
      this.#pollTimer = undefined;
      if (!this.#keepers.inUse) void this.close();
    }, LINGER_MS);
  }

  #keeperLeft(): void {
    if (this.#keepers.inUse || this.#pages.inUse || this.#lingerTimer !== undefined) return;
    void this.close();
  }

  #metadataChanged(): void {
    // Other bins make another picture of the same counts, so the next poll reads again.
    this.#listing.invalidate();
    this.#reader.invalidate();
    this.emit('gates');
    this.emit('changed');
  }

  #stateChanged(state: WatchState, cause: string | undefined): void {
    const previous = this.status.state;
    if (!this.#status.setState(state, cause, Date.now())) return;
    if (state !== previous) this.#log.info(`spectra ${state}`, { application: this.app, cause });
    this.emit('status', this.status);
  }

  #poll(): void {
    const mirror = this.#attachment.poll();
    if (mirror === undefined) return;
    const monotonicMs = performance.now();
    const changes = this.#read(mirror, monotonicMs);
    if (changes === undefined) return;
    if (changes.list) {
      this.metadata.refresh();
      this.emit('list');
    }
    const historyGrew = this.cache.recordHistory(monotonicMs, this.publication.atMs);
    if (this.#status.measureRate(mirror.published, this.publication.atMs, monotonicMs)) {
      this.emit('status', this.status);
    }
    if (changes.counts || historyGrew) this.emit('changed');
  }

  /** Undefined when the duplicator has just closed its files; the mirror's state follows. */
  #read(mirror: Mirror, monotonicMs: number): PublicationChanges | undefined {
    try {
      return this.#reader.read(mirror, monotonicMs);
    } catch (error) {
      this.#log.debug('cannot read a publication', { app: this.app, error });
      return undefined;
    }
  }
}
