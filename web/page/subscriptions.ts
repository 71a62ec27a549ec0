/**
 * The views of spectra that are visible on this page, sent to the server as one complete list
 * whenever it changes, and the frames (counts of one view) that the server sends back. Plots and
 * thumbnails open a subscription each; `viewer-page.ts` connects them to the WebSocket. A hidden
 * tab subscribes to nothing.
 */
import type { Frame } from '../wire/frame.js';
import { SavedSpectra } from './saved-spectra.js';
import type { PageMessage } from '../wire/messages.js';
import { SUBSCRIPTIONS_MAX, type Subscription } from '../wire/subscription.js';

/** A view of a spectrum to subscribe to; its id is that of the subscription. */
export type SubscriptionRequest = Omit<Subscription, 'id'>;

export interface FrameReceiver {
  frame(frame: Frame): void;
  /** The spectrum does not exist at the source, or its moment cannot be read. */
  missing(reason?: string): void;
}

export class SubscriptionHandle {
  readonly id: number;
  readonly receiver: FrameReceiver;
  #request: SubscriptionRequest | undefined;
  unacknowledged = 0;
  readonly #changed: () => void;
  readonly #sendAck: (id: number) => void;

  constructor(id: number, receiver: FrameReceiver, changed: () => void, sendAck: (id: number) => void) {
    this.id = id;
    this.receiver = receiver;
    this.#changed = changed;
    this.#sendAck = sendAck;
  }

  get request(): SubscriptionRequest | undefined {
    return this.#request;
  }

  /** Changes the view; undefined while it is not visible. */
  setRequest(request: SubscriptionRequest | undefined): void {
    if (JSON.stringify(request) === JSON.stringify(this.#request)) return;
    this.#request = request;
    this.#changed();
  }

  /** The received frames are drawn: the server may send the next one. */
  acknowledge(): void {
    while (this.unacknowledged > 0) {
      this.unacknowledged -= 1;
      this.#sendAck(this.id);
    }
  }
}

export class Subscriptions {
  /** Spectra of files, whose frames do not come from the server. */
  readonly saved = new SavedSpectra();
  readonly #send: (message: PageMessage) => void;
  readonly #handles = new Map<number, SubscriptionHandle>();
  #nextId = 1;
  #momentMs: number | undefined;
  #sendScheduled = false;

  constructor(send: (message: PageMessage) => void) {
    this.#send = send;
    document.addEventListener('visibilitychange', () => this.#changed());
  }

  /** The moment of the recording that all views show unless they have their own. */
  set momentMs(atMs: number | undefined) {
    this.#momentMs = atMs;
    this.#changed();
  }

  open(receiver: FrameReceiver): SubscriptionHandle {
    const handle = new SubscriptionHandle(
      this.#nextId,
      receiver,
      () => this.#changed(),
      (id) => this.#send({ kind: 'ack', id }),
    );
    this.#nextId += 1;
    this.#handles.set(handle.id, handle);
    return handle;
  }

  close(handle: SubscriptionHandle): void {
    this.#handles.delete(handle.id);
    this.#changed();
  }

  frame(frame: Frame): void {
    const handle = this.#handles.get(frame.id);
    if (handle?.request === undefined) return;
    handle.unacknowledged += 1;
    handle.receiver.frame(frame);
  }

  missing(id: number, reason?: string): void {
    this.#handles.get(id)?.receiver.missing(reason);
  }

  /** Sends the list to a new connection, which has no subscriptions yet. */
  resend(): void {
    for (const handle of this.#handles.values()) handle.unacknowledged = 0;
    this.#sendList();
  }

  /** Sends once for all changes of one turn of the event loop. */
  #changed(): void {
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    queueMicrotask(() => {
      this.#sendScheduled = false;
      this.#sendList();
    });
  }

  #sendList(): void {
    const visible = document.hidden ? [] : [...this.#handles.values()];
    const subscriptions = visible.flatMap((handle) => {
      const { id, request } = handle;
      if (request === undefined || this.saved.deliver(handle, request)) return [];
      return [{ ...request, id, atMs: request.atMs ?? this.#momentMs }];
    });
    this.#send({ kind: 'show', subscriptions: subscriptions.slice(0, SUBSCRIPTIONS_MAX) });
  }
}
