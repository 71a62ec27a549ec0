/**
 * The recorded past of all applications for the pages of this process: moments, which views share,
 * time lines, and trends. `Applications` owns the only one. Reads directories; a thread
 * (`recording-thread.ts`) reads the files.
 */
import { EventEmitter } from 'eventemitter3';
import type { Clock } from '../../../protocol/base/clock.js';
import { describeError, MirrorflowError } from '../../../protocol/base/errors.js';
import type { Logger } from '../../../protocol/base/log.js';
import { RateLimitedLog } from '../../../protocol/base/rate-limited-log.js';
import type { Timeline } from '../../wire/recording.js';
import { Moment } from './moment.js';
import type { ReadTrend, RecordedApp, TrendRequest } from './past-messages.js';
import { recordingsOf, type RecordingPlaces } from './recording-places.js';
import { RecordingThread } from './recording-thread.js';

interface PastEvents {
  /** A moment was read, or cannot be. */
  settled: [moment: Moment];
}

export interface PastOptions {
  readonly places: RecordingPlaces;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Use {
  users: number;
  /** Grows with every use. */
  lastUse: number;
}

/** Display memories of all moments together; those in use are refused beyond it. */
const MOMENT_BYTES_MAX = 512 * 2 ** 20;
/** Of requests over HTTP at a time, so that they leave the pages their moments. */
export const ASKED_MOMENTS_MAX = 16;
/** Moments without a user that are kept for the next one. */
const UNUSED_KEPT = 4;
const MOMENTS_MAX = 256;
const TIMELINE_INTERVAL_MS = 5_000;

export class Past extends EventEmitter<PastEvents> {
  readonly #options: PastOptions;
  readonly #thread: RecordingThread;
  readonly #warnings: RateLimitedLog;
  readonly #moments = new Map<string, Moment>();
  readonly #uses = new WeakMap<Moment, Use>();
  /** Moments that are to be read, in the order of the requests. */
  #waiting: Moment[] = [];
  #reading = false;
  #trending = false;
  #asked = 0;
  #useCount = 0;

  constructor(options: PastOptions) {
    super();
    this.#options = options;
    this.#thread = new RecordingThread(options.clock);
    this.#warnings = new RateLimitedLog(options.clock, options.log);
  }

  /** Keeps a moment for one user until `release`; `settled` follows unless it was read before. */
  acquire(app: string, atMs: number): Moment {
    const key = keyOf(app, atMs);
    const existing = this.#moments.get(key);
    const moment = existing ?? new Moment(app, atMs);
    const use = this.#uses.get(moment) ?? { users: 0, lastUse: 0 };
    use.users += 1;
    use.lastUse = ++this.#useCount;
    this.#uses.set(moment, use);
    if (existing !== undefined) return moment;
    this.#dropUnused();
    if (this.#moments.size >= MOMENTS_MAX || this.#bytes > MOMENT_BYTES_MAX) {
      moment.fail(tooMany().message);
      return moment;
    }
    this.#moments.set(key, moment);
    this.#waiting.push(moment);
    void this.#readWaiting();
    return moment;
  }

  release(moment: Moment): void {
    const use = this.#uses.get(moment);
    if (use === undefined) return;
    use.users -= 1;
    this.#dropUnused();
  }

  /**
   * Runs `use` with a moment. Throws BAD_OPTION with the reason why it cannot be read, and
   * LIMIT_REACHED while too many requests wait for theirs.
   */
  async withMoment<T>(app: string, atMs: number, use: (moment: Moment) => T): Promise<T> {
    if (this.#asked >= ASKED_MOMENTS_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        'too many moments are being read; retry when they are done',
        {
          app,
        },
      );
    }
    this.#asked += 1;
    const moment = this.acquire(app, atMs);
    try {
      while (!moment.isSettled) await new Promise((resolve) => this.once('settled', resolve));
      if (moment.problem !== undefined)
        throw new MirrorflowError('BAD_OPTION', moment.problem, { app, atMs });
      return use(moment);
    } finally {
      this.#asked -= 1;
      this.release(moment);
    }
  }

  /** Sends the time line now and whenever it changes, until the returned function is called. */
  followTimeline(app: string, receive: (timeline: Timeline) => void): () => void {
    let [ended, last] = [false, ''];
    let cancel: (() => void) | undefined;
    const update = async (): Promise<void> => {
      const timeline = await this.#timeline(app);
      if (ended) return;
      const text = JSON.stringify(timeline);
      if (text !== last) receive(timeline);
      last = text;
      cancel = this.#options.clock.after(TIMELINE_INTERVAL_MS, () => void update(), true);
    };
    void update();
    return () => {
      ended = true;
      cancel?.();
    };
  }

  /** Throws LIMIT_REACHED while another trend is read, and what the thread throws. */
  async trend(app: string, trend: TrendRequest, signal: AbortSignal): Promise<ReadTrend> {
    if (this.#trending) {
      throw new MirrorflowError('LIMIT_REACHED', 'another trend is being read; retry when it is done', {
        app,
      });
    }
    this.#trending = true;
    try {
      const of = existing(await this.#recordings(app));
      return await this.#thread.ask('trend', { of, trend }, signal);
    } finally {
      this.#trending = false;
    }
  }

  close(): Promise<void> {
    this.#waiting = [];
    return this.#thread.close();
  }

  get #bytes(): number {
    let bytes = 0;
    for (const moment of this.#moments.values()) bytes += moment.bytes;
    return bytes;
  }

  async #recordings(app: string): Promise<RecordedApp> {
    return { app, paths: await recordingsOf(app, this.#options.places) };
  }

  async #timeline(app: string): Promise<Timeline> {
    const none: Timeline = { spans: [], runs: [], stepMs: 1, unreadable: 0 };
    try {
      const of = await this.#recordings(app);
      return of.paths.length === 0 ? none : await this.#thread.ask('timeline', { of });
    } catch (error) {
      // Asked every few seconds, of every application that a page shows.
      this.#warnings.warn('cannot read the recordings of an application', { application: app, error });
      return none;
    }
  }

  /** One after the other: while a user drags, moments that were passed by are not read. */
  async #readWaiting(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    for (let moment = this.#waiting.shift(); moment !== undefined; moment = this.#waiting.shift()) {
      if (this.#isUsed(moment)) await this.#readMoment(moment);
      else this.#moments.delete(keyOf(moment.app, moment.atMs));
    }
    this.#reading = false;
  }

  async #readMoment(moment: Moment): Promise<void> {
    const { app, atMs } = moment;
    try {
      if (this.#bytes > MOMENT_BYTES_MAX) throw tooMany();
      const of = existing(await this.#recordings(app));
      moment.settle(await this.#thread.ask('moment', { of, atMs }));
    } catch (error) {
      moment.fail(describeError(error));
      // The next request tries again.
      this.#moments.delete(keyOf(app, atMs));
    }
    this.#dropUnused();
    this.emit('settled', moment);
  }

  #isUsed(moment: Moment): boolean {
    return (this.#uses.get(moment)?.users ?? 0) > 0;
  }

  #dropUnused(): void {
    const unused = [...this.#moments].filter(([, moment]) => moment.isSettled && !this.#isUsed(moment));
    const age = (moment: Moment): number => this.#uses.get(moment)?.lastUse ?? 0;
    unused.sort(([, one], [, other]) => age(other) - age(one));
    const kept = this.#bytes > MOMENT_BYTES_MAX ? 0 : UNUSED_KEPT;
    for (const [key, moment] of unused.slice(kept))
      if (this.#moments.get(key) === moment) this.#moments.delete(key);
  }
}

/** Throws BAD_OPTION without any file. */
function existing(recorded: RecordedApp): RecordedApp {
  if (recorded.paths.length > 0) return recorded;
  const { app } = recorded;
  throw new MirrorflowError('BAD_OPTION', `there are no recordings of ${app}`, { app });
}

function tooMany(): MirrorflowError {
  return new MirrorflowError(
    'LIMIT_REACHED',
    'too many moments are shown at once; close some plots of the past and retry',
  );
}

function keyOf(app: string, atMs: number): string {
  return `${app} ${atMs}`;
}
