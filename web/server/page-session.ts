/**
 * One page: its WebSocket, what it shows, and what of that it has been sent. A view gets its next
 * frame when the page has drawn the one before, so that a slow browser, or a slow line, gets fewer
 * frames and never a queue.
 */
import type { WebSocket } from 'ws';
import { describeError } from '../../protocol/base/errors.js';
import type { Logger } from '../../protocol/base/log.js';
import { encodeFrameId } from '../wire/frame.js';
import { FRAME_CREDIT, type PageMessage, type ServerMessage, type Subscription } from '../wire/messages.js';
import { parsePageMessage } from '../wire/page-messages.js';
import type { AppWatch } from './app-watch.js';
import { frameBody, frameKey, frameVersion } from './frames.js';
import type { CachedSpectrum } from './spectrum-cache.js';
import { spectrumInfo } from './spectrum-info.js';

/** What a page may ask of the process. */
export interface PageServices {
  /** The watch over an application; undefined for a name that is none. */
  watch(app: string): AppWatch | undefined;
  /** Pictures of the network from now on, until the returned function is called. */
  network(receive: (message: ServerMessage) => void): () => void;
  /** Starts or stops an application; throws why not. */
  control(action: 'run' | 'stop', app: string): Promise<void>;
  readonly mayControl: boolean;
  readonly log: Logger;
}

interface View {
  wanted: Subscription;
  key: string;
  readonly held: CachedSpectrum;
  sent: string;
  outstanding: number;
  sentMs: number;
}

/** Bytes on their way to a page beyond which it gets nothing more. */
const BUFFERED_BYTES_MAX = 16 * 2 ** 20;
const POLICY_VIOLATION = 1008;

export class PageSession {
  readonly #socket: WebSocket;
  readonly #services: PageServices;
  readonly #views = new Map<number, View>();
  #watch: AppWatch | undefined;
  #leave: () => void = () => undefined;
  #endNetwork: (() => void) | undefined;

  constructor(socket: WebSocket, services: PageServices) {
    this.#socket = socket;
    this.#services = services;
    socket.on('message', (data, isBinary) => {
      const message =
        isBinary || !Buffer.isBuffer(data) ? undefined : parsePageMessage(data.toString('utf8'));
      if (message === undefined) socket.close(POLICY_VIOLATION, 'not a message of a page');
      else this.#received(message);
    });
    socket.on('error', (error) => services.log.debug('a page failed', { error }));
    socket.once('close', () => this.#closed());
  }

  send(message: ServerMessage): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #received(message: PageMessage): void {
    switch (message.kind) {
      case 'app':
        return this.#enter(message.app);
      case 'show':
        return this.#show(message.subscriptions);
      case 'ack':
        return this.#acknowledged(message.id);
      case 'network':
        return this.#network(message.on);
      case 'control':
        return void this.#control(message);
      default:
        return message satisfies never;
    }
  }

  #enter(app: string | null): void {
    if (app === (this.#watch?.app ?? null)) return;
    this.#exit();
    const watch = app === null ? undefined : this.#services.watch(app);
    if (watch === undefined) return;
    this.#watch = watch;
    const leave = watch.enter();
    const status = (): void => this.send({ kind: 'status', status: watch.status });
    const list = (): void => this.send({ kind: 'list', app: watch.app, spectra: watch.list });
    const gates = (): void => this.send({ kind: 'gates', app: watch.app, gates: watch.gates });
    const changed = (): void => this.#flush();
    watch.on('status', status).on('list', list).on('gates', gates).on('changed', changed);
    this.#leave = () => {
      watch.off('status', status).off('list', list).off('gates', gates).off('changed', changed);
      leave();
    };
    status();
    if (watch.list.length > 0) list();
    if (watch.gates.length > 0) gates();
  }

  #exit(): void {
    this.#show([]);
    this.#leave();
    this.#leave = () => undefined;
    this.#watch = undefined;
  }

  #show(subscriptions: readonly Subscription[]): void {
    const watch = this.#watch;
    if (watch === undefined) return;
    const wanted = new Map(subscriptions.map((subscription) => [subscription.id, subscription]));
    for (const [id, view] of this.#views) {
      const still = wanted.get(id);
      if (still !== undefined && still.spectrum === view.held.name) continue;
      this.#views.delete(id);
      watch.shelf.release(view.held.name, performance.now());
    }
    for (const [id, subscription] of wanted) {
      const view = this.#views.get(id);
      const key = frameKey(subscription);
      if (view === undefined) {
        const held = watch.shelf.acquire(subscription.spectrum);
        this.#views.set(id, { wanted: subscription, key, held, sent: '', outstanding: 0, sentMs: -Infinity });
      } else {
        // Another part of the same spectrum is due at once, however slow it is kept.
        if (view.key !== key) Object.assign(view, { sent: '', sentMs: -Infinity });
        Object.assign(view, { wanted: subscription, key });
      }
    }
    if (watch.shelf.hasUnreadSpectrum) watch.refresh();
    this.#flush();
  }

  #acknowledged(id: number): void {
    const view = this.#views.get(id);
    if (view === undefined || view.outstanding === 0) return;
    view.outstanding -= 1;
    this.#offer(id, view);
  }

  #flush(): void {
    for (const [id, view] of this.#views) this.#offer(id, view);
  }

  #offer(id: number, view: View): void {
    const watch = this.#watch;
    if (watch === undefined || view.outstanding >= FRAME_CREDIT || view.held.version === 0) return;
    const counts = frameVersion(view.held, view.wanted, watch.historyTick);
    if (counts === '') {
      if (view.sent !== 'missing') this.send({ kind: 'missing', id });
      view.sent = 'missing';
      return;
    }
    const nowMs = performance.now();
    // Bins decide what lies inside the axes: another picture of the same counts.
    const version = `${counts} ${watch.facts.revision}`;
    if (version === view.sent || nowMs - view.sentMs < (view.wanted.minIntervalMs ?? 0)) return;
    if (this.#socket.readyState !== this.#socket.OPEN || this.#socket.bufferedAmount > BUFFERED_BYTES_MAX)
      return;
    const { binding } = view.held;
    if (binding === undefined) return;
    const info = spectrumInfo(binding, watch.facts.spectrum(binding.name));
    const body = frameBody(view.held, view.key, view.wanted, info, {
      nowMs,
      historyTick: watch.historyTick,
      ...watch.publication,
    });
    if (body === undefined) return;
    Object.assign(view, { sent: version, outstanding: view.outstanding + 1, sentMs: nowMs });
    // Two fragments of one message: the body belongs to everybody and is not copied.
    this.#socket.send(encodeFrameId(id), { binary: true, fin: false });
    this.#socket.send(body, { binary: true, fin: true });
  }

  #network(on: boolean): void {
    this.#endNetwork?.();
    this.#endNetwork = on ? this.#services.network((message) => this.send(message)) : undefined;
  }

  async #control({ request, action, app }: PageMessage & { kind: 'control' }): Promise<void> {
    if (!this.#services.mayControl) {
      return this.send({ kind: 'answer', request, error: 'Sign in to start and stop applications.' });
    }
    try {
      await this.#services.control(action, app);
      this.send({ kind: 'answer', request });
    } catch (error) {
      this.send({ kind: 'answer', request, error: describeError(error) });
    }
  }

  #closed(): void {
    this.#endNetwork?.();
    this.#exit();
  }
}
