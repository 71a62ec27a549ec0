/**
 * The views of spectra that one page shows: which counts each needs, what the page has received of
 * it, and when its next frame is sent. `PageSession` has one. A view gets its next frame only after
 * the page has drawn the previous one. Acquires counts of the watch and of recorded moments; sends
 * frames by `FrameLine`.
 */
import { FRAME_CREDIT, type Subscription } from '../wire/subscription.js';
import type { AppWatch } from './app-watch.js';
import type { SendToPage } from './application-feed.js';
import type { EncodedFrame } from './encoded-frame.js';
import type { FrameLine } from './frame-line.js';
import { frameKey, frameVersion, sharedFrame } from './frames.js';
import { Budget, ENCODING_BUDGET } from './message-budget.js';
import type { Moment } from './past/moment.js';
import type { Past } from './past/past.js';
import type { CachedSpectrum } from './spectrum-cache.js';
import { spectrumInfo } from './spectrum-info.js';
import {
  acquireCounts,
  countsKey,
  earlierCounts,
  isReading,
  problemOf,
  type ViewCounts,
} from './view-counts.js';

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
/** Time after which frames are tried again that the page's budget did not allow. */
const RETRY_MS = 100;

export class PageViews {
  readonly #line: FrameLine;
  readonly #past: Past;
  readonly #send: SendToPage;
  readonly #hasEncodingLimit: boolean;
  readonly #encoding = new Budget(ENCODING_BUDGET, performance.now());
  readonly #views = new Map<number, View>();
  /** The application whose spectra are shown. */
  #watch: AppWatch | undefined;
  #retryTimer: NodeJS.Timeout | undefined;

  /** `hasEncodingLimit`: whether the time for encoding frames is limited. */
  constructor(line: FrameLine, past: Past, send: SendToPage, hasEncodingLimit: boolean) {
    this.#line = line;
    this.#past = past;
    this.#send = send;
    this.#hasEncodingLimit = hasEncodingLimit;
  }

  /** Shows spectra of this application from now on; `close` comes before another one. */
  open(watch: AppWatch): void {
    this.#watch = watch;
  }

  /** Releases all views. */
  close(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = undefined;
    this.set([]);
    this.#watch = undefined;
  }

  /** Replaces the subscriptions; views that they still have keep what was sent. */
  set(subscriptions: readonly Subscription[]): void {
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
        const counts = acquireCounts(subscription, watch, this.#past, held);
        this.#views.set(id, openView(subscription, counts, unacknowledged.get(id) ?? 0));
      }
    }
    if (watch.cache.hasUnreadSpectrum) watch.refresh();
    this.sendFrames();
  }

  /** The page has drawn a frame; `again`: it could not use it and needs a whole one. */
  acknowledged(id: number, again: boolean): void {
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
  sendFrames(): void {
    const views = [...this.#views].sort(([, one], [, other]) => one.sentMs - other.sentMs);
    for (const [id, view] of views) this.#sendFrame(id, view);
  }

  /** Sends the frames of views that show a moment, whose counts have been read. */
  settled(moment: Moment): void {
    for (const [id, view] of this.#views) if (view.counts.moments.includes(moment)) this.#sendFrame(id, view);
  }

  /** The spectra whose present counts are shown, so that they are in the cache of the watch. */
  presentSpectra(): readonly CachedSpectrum[] {
    return [...this.#views.values()]
      .filter(({ counts }) => counts.source === this.#watch)
      .map(({ counts }) => counts.spectrum);
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
      this.#send({ kind: 'missing', id, ...(reason === undefined ? {} : { reason }) });
    view.sentVersion = 'missing';
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
    if (!this.#hasEncodingLimit || this.#encoding.spend(0, nowMs)) return true;
    this.#retryTimer ??= setTimeout(() => {
      this.#retryTimer = undefined;
      this.sendFrames();
    }, RETRY_MS);
    return false;
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
