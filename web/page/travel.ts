/**
 * The moment of the recording that the page shows: to it, along the time line, and back to live.
 * `viewer-page.ts` creates it and passes the answers of the server to it; time line and menus move
 * it. Changes `PageState` and the subscriptions, and sends messages to the server.
 */
import type { PageMessage, ServerMessage } from '../wire/messages.js';
import type { PageState } from './page-state.js';
import type { Subscriptions } from './subscriptions.js';

export interface TravelEvents {
  send(message: PageMessage): void;
  /** Another moment is shown; `burst` as in `BoardEvents.changed`. */
  moved(burst: string | undefined): void;
}

/** As burst: the move belongs to the step before it. */
export const SAME_STEP = 'same step';
/** Least time between two moments that the server is asked for, while the user drags. */
const MOVE_INTERVAL_MS = 80;

export class Travel {
  readonly #state: PageState;
  readonly #subscriptions: Subscriptions;
  readonly #events: TravelEvents;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #askedAtMs = -Infinity;
  /** The list of spectra that is shown, as JSON. */
  #list: string | undefined;

  constructor(state: PageState, subscriptions: Subscriptions, events: TravelEvents) {
    this.#state = state;
    this.#subscriptions = subscriptions;
    this.#events = events;
  }

  /** Shows a moment; undefined: the present. */
  to(momentMs: number | undefined, burst?: string): void {
    if (momentMs === this.#state.momentMs) return;
    this.restore(momentMs);
    this.#events.moved(burst);
  }

  /** As `to`, without a step in the history: the address has the moment. */
  restore(momentMs: number | undefined): void {
    const state = this.#state;
    if (momentMs === state.momentMs) return;
    if (state.momentMs === undefined) this.#list = JSON.stringify(state.spectra);
    state.momentMs = momentMs;
    if (momentMs === undefined) state.recorded = undefined;
    // What was shown while paused would hide the past.
    if (state.paused) {
      state.paused = false;
      state.pausedDataMs = undefined;
      state.notify('paused');
    }
    this.#askSoon();
    state.notify('moment');
    // Until the answer the gates and the list of the moment before stay.
    if (momentMs === undefined) this.#notifyDefinitions();
  }

  /** Asks again on a new connection, or for another application. */
  resend(): void {
    this.#subscriptions.momentMs = this.#state.momentMs;
    if (this.#state.momentMs !== undefined) this.#ask();
  }

  received(message: ServerMessage & { kind: 'timeline' | 'moment' }): void {
    const state = this.#state;
    if (message.app !== state.app) return;
    if (message.kind === 'timeline') {
      state.timeline = message.timeline;
      return state.notify('timeline');
    }
    if (message.atMs !== state.momentMs) return;
    state.recorded = message.shown ?? { error: message.error ?? 'The moment cannot be shown.' };
    state.notify('moment');
    this.#notifyDefinitions();
  }

  /** The list is drawn again only when it differs: a user who drags asks for many moments. */
  #notifyDefinitions(): void {
    const state = this.#state;
    state.notify('gates');
    const list = JSON.stringify(state.spectra);
    if (list !== this.#list) state.notify('list');
    this.#list = list;
  }

  /** Requests the moment at once, or when the interval is over; of several moves only the last. */
  #askSoon(): void {
    if (this.#timer !== undefined) return;
    const waitMs = this.#askedAtMs + MOVE_INTERVAL_MS - performance.now();
    if (waitMs <= 0) return this.#ask();
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#ask();
    }, waitMs);
  }

  #ask(): void {
    const { momentMs } = this.#state;
    this.#askedAtMs = performance.now();
    this.#subscriptions.momentMs = momentMs;
    this.#events.send({ kind: 'moment', atMs: momentMs ?? null });
  }
}
