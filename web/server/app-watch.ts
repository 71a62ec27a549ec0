/**
 * One application as long as pages look at it: one mirror, one look at every publication, one list
 * of its spectra.
 *
 * | state      | event                               | next                             |
 * | ---------- | ----------------------------------- | -------------------------------- |
 * | connecting | mirror attached                     | live or stale, as its source is  |
 * | connecting | not running / any other failure     | stopped / broken, tried again    |
 * | live       | source away                         | stale                            |
 * | stale      | source back                         | live                             |
 * | any        | the mirror has ended for good       | connecting                       |
 * | any        | no page for some seconds            | closed                           |
 */
import { EventEmitter } from 'eventemitter3';
import type { Mirror } from '../../client-lib/index.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { ratesBetween, type CounterSample } from '../../protocol/base/rates.js';
import { bindings } from '../../protocol/spectcl/display-memory.js';
import type { GateShape, SpectrumInfo, WatchState, WatchStatus } from '../wire/messages.js';
import type { AppLink } from './app-link.js';
import { SourceFacts } from './source-facts.js';
import { SpectrumShelf } from './shelf.js';
import { spectrumInfo } from './spectrum-info.js';

interface WatchEvents {
  status: [status: WatchStatus];
  list: [];
  gates: [];
  /** Something that is looked at has changed, or time has passed for rates. */
  changed: [];
}

/**
 * Between two looks whether something was published: at most 25 pictures a second, which is more
 * than eyes need.
 */
const LOOK_MS = 40;
const LIST_MS = 500;
const RETRY_MS = 1_000;
const RATE_INTERVAL_MS = 1_000;
/** A page that is loaded again finds everything warm. */
const LINGER_MS = 5_000;

export class AppWatch extends EventEmitter<WatchEvents> {
  readonly app: string;
  readonly shelf = new SpectrumShelf();
  readonly #link: AppLink;
  readonly #facts: SourceFacts;
  readonly #log: Logger;
  #pages = 0;
  #mirror: Mirror | undefined;
  #status: WatchStatus;
  #list: readonly SpectrumInfo[] = [];
  #listText = '';
  #listedMs = -Infinity;
  #published = -1;
  #atMs = 0;
  #sequence = 0;
  #rateSample: CounterSample | undefined;
  #looking: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #linger: NodeJS.Timeout | undefined;
  #attaching = false;
  #letGo: () => void = () => undefined;
  #seenState: Mirror['state'] | undefined;
  /** Grows once a second, when there is another look back. */
  historyTick = 0;

  constructor(link: AppLink, log: Logger) {
    super();
    this.app = link.app;
    this.#link = link;
    this.#log = log;
    this.#facts = new SourceFacts(log);
    this.#facts.on('changed', () => {
      // Looked at again although nothing was published: bins make other pictures of the same
      // counts.
      this.#listedMs = -Infinity;
      this.#published = -1;
      this.emit('gates');
      this.emit('changed');
    });
    this.#status = { app: link.app, state: 'connecting', sinceMs: Date.now(), rate: 0 };
  }

  get status(): WatchStatus {
    return this.#status;
  }

  get list(): readonly SpectrumInfo[] {
    return this.#list;
  }

  get gates(): readonly GateShape[] {
    return this.#facts.gates;
  }

  /** Of the newest publication that was looked at. */
  get publication(): { readonly atMs: number; readonly sequence: number } {
    return { atMs: this.#atMs, sequence: this.#sequence };
  }

  info(name: string): SpectrumInfo | undefined {
    return this.#list.find((info) => info.name === name);
  }

  /** What REST knows of a spectrum, for frames between two lists. */
  get facts(): SourceFacts {
    return this.#facts;
  }

  /** A page looks, from now until the returned function is called. */
  enter(): () => void {
    this.#pages += 1;
    clearTimeout(this.#linger);
    if (this.#looking === undefined) {
      this.#letGo = this.#link.hold();
      this.#looking = setInterval(() => this.#look(), LOOK_MS);
      void this.#attach();
    }
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      this.#pages -= 1;
      if (this.#pages === 0) this.#linger = setTimeout(() => void this.close(), LINGER_MS);
    };
  }

  /** Something is looked at that was not before. */
  refresh(): void {
    this.#published = -1;
    this.#look();
  }

  /** The application was stopped or has ended, says the host server. */
  applicationEnded(cause: string | undefined): void {
    if (this.#looking === undefined || this.#status.state === 'stopped') return;
    this.#detach();
    this.#say('stopped', cause);
    this.#retryLater();
  }

  /** Lets go of the mirror. Idempotent; `enter` begins again. */
  async close(): Promise<void> {
    clearInterval(this.#looking);
    clearTimeout(this.#retry);
    clearTimeout(this.#linger);
    this.#looking = undefined;
    this.#letGo();
    this.#facts.stop();
    const had = this.#mirror !== undefined;
    this.#detach();
    if (had) await (await this.#link.client().catch(() => undefined))?.unmap().catch(() => undefined);
  }

  async #attach(): Promise<void> {
    if (this.#attaching) return;
    this.#attaching = true;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      const client = await this.#link.client();
      const mirror = await client.mirror();
      if (this.#looking === undefined) {
        await client.unmap();
        return;
      }
      this.#mirror = mirror;
      this.#published = -1;
      mirror.on('state', () => this.#stateChanged(mirror));
      this.#stateChanged(mirror);
      this.#facts.start((await client.appInfo()).source);
      this.#look();
    } catch (error) {
      if (this.#looking === undefined) return;
      const stopped =
        isMirrorflowError(error, 'NOT_RUNNING') || isMirrorflowError(error, 'UNKNOWN_APPLICATION');
      this.#say(stopped ? 'stopped' : 'broken', describeError(error));
      if (!(isMirrorflowError(error) && error.code.startsWith('SOURCE_'))) await this.#link.close();
      this.#retryLater();
    } finally {
      this.#attaching = false;
    }
  }

  #retryLater(): void {
    if (this.#looking === undefined || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#attach();
    }, RETRY_MS);
  }

  #detach(): void {
    this.#mirror?.removeAllListeners('state');
    this.#mirror = undefined;
  }

  #stateChanged(mirror: Mirror): void {
    if (mirror !== this.#mirror) return;
    const { state } = mirror;
    this.#seenState = state;
    if (state === 'live') return this.#say('live', undefined);
    if (state === 'starting') return this.#say('connecting', undefined);
    this.#say('stale', undefined);
    if (state === 'ended') {
      this.#detach();
      void this.#link.close().then(() => this.#retryLater());
    } else void this.#findCause();
  }

  async #findCause(): Promise<void> {
    try {
      const flows = await (await this.#link.client()).flows();
      const cause = flows.find(({ flow }) => flow === 'spectra')?.cause;
      if (this.#status.state === 'stale' && cause !== undefined) this.#say('stale', cause);
    } catch (error) {
      this.#log.debug('the cause of stale data is not known', { app: this.app, error });
    }
  }

  #say(state: WatchState, cause: string | undefined): void {
    const { state: before, cause: causeBefore, sinceMs } = this.#status;
    if (state === before && cause === causeBefore) return;
    this.#status = {
      ...this.#status,
      state,
      sinceMs: state === before ? sinceMs : Date.now(),
    };
    const { cause: _old, ...rest } = this.#status;
    this.#status = cause === undefined ? rest : { ...rest, cause };
    if (state !== before) this.#log.info(`spectra ${state}`, { application: this.app, cause });
    this.emit('status', this.#status);
  }

  #look(): void {
    const mirror = this.#mirror;
    if (mirror === undefined) return;
    // Events come first; this finds what no event told, a mirror that was unmapped for instance.
    if (mirror.state !== this.#seenState) this.#stateChanged(mirror);
    if (mirror !== this.#mirror) return;
    const now = performance.now();
    const { published } = mirror;
    const news = published !== this.#published;
    let changed = false;
    try {
      if (news) {
        changed = this.#take(mirror, now);
        this.#published = published;
      }
    } catch (error) {
      // The files of a duplicator that has just gone; the mirror says so itself.
      this.#log.debug('a publication could not be read', { app: this.app, error });
      return;
    }
    if (this.shelf.remember(now)) {
      this.historyTick += 1;
      changed = true;
    }
    this.#measure(mirror, now);
    if (changed) this.emit('changed');
  }

  #take(mirror: Mirror, now: number): boolean {
    const listDue = now - this.#listedMs >= LIST_MS;
    const { changes, list, atMs, sequence } = mirror.read((spectra, meta) => ({
      changes: this.shelf.compare(spectra.memory),
      list: listDue ? bindings(spectra.memory) : undefined,
      atMs: meta.timestampNs / 1e6,
      sequence: meta.sequence,
    }));
    this.#atMs = atMs;
    this.#sequence = sequence;
    if (list !== undefined) {
      this.#listedMs = now;
      const infos = list.map((binding) => spectrumInfo(binding, this.#facts.of(binding.name)));
      const text = JSON.stringify(infos);
      if (text !== this.#listText) {
        this.#listText = text;
        this.#list = infos;
        this.#facts.look();
        this.emit('list');
      }
    }
    return this.shelf.commit(changes);
  }

  /** Once a second: the rate of publications, which also says that all is well. */
  #measure(mirror: Mirror, now: number): void {
    const last = this.#rateSample;
    if (last !== undefined && now - last.atMs < RATE_INTERVAL_MS) return;
    const sample = { atMs: now, counters: { published: mirror.published } };
    this.#rateSample = sample;
    const rate = last === undefined ? 0 : (ratesBetween(last, sample)['published'] ?? 0);
    this.#status = { ...this.#status, rate, dataMs: this.#atMs };
    this.emit('status', this.#status);
  }
}
