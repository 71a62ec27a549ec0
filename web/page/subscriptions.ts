/**
 * What this page shows, told to the server as a whole whenever it changes. A hidden tab shows
 * nothing and costs nothing.
 */
import type { Frame } from '../wire/frame.js';
import { SUBSCRIPTIONS_MAX, type PageMessage, type Subscription } from '../wire/messages.js';

export type SubscriptionRequest = Omit<Subscription, 'id'>;

export interface FrameReceiver {
  frame(frame: Frame): void;
  missing(): void;
}

export class SubscriptionHandle {
  readonly id: number;
  readonly receiver: FrameReceiver;
  request: SubscriptionRequest | undefined;
  unacknowledged = 0;
  readonly #changed: () => void;
  readonly #acknowledge: (id: number) => void;

  constructor(id: number, receiver: FrameReceiver, changed: () => void, acknowledge: (id: number) => void) {
    this.id = id;
    this.receiver = receiver;
    this.#changed = changed;
    this.#acknowledge = acknowledge;
  }

  /** What is wanted from now on; undefined while it is out of sight. */
  setRequest(wish: SubscriptionRequest | undefined): void {
    if (JSON.stringify(wish) === JSON.stringify(this.request)) return;
    this.request = wish;
    this.#changed();
  }

  /** What came is drawn: the next frame may come. */
  acknowledge(): void {
    while (this.unacknowledged > 0) {
      this.unacknowledged -= 1;
      this.#acknowledge(this.id);
    }
  }
}

export class Subscriptions {
  readonly #send: (message: PageMessage) => void;
  readonly #handles = new Map<number, SubscriptionHandle>();
  #nextId = 1;
  #telling = false;

  constructor(send: (message: PageMessage) => void) {
    this.#send = send;
    document.addEventListener('visibilitychange', () => this.#changed());
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

  missing(id: number): void {
    this.#handles.get(id)?.receiver.missing();
  }

  /** Says everything again, to a server that knows nothing yet. */
  resend(): void {
    for (const handle of this.#handles.values()) handle.unacknowledged = 0;
    this.#tell();
  }

  #changed(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.#tell();
    });
  }

  #tell(): void {
    const shown = document.hidden ? [] : [...this.#handles.values()];
    const subscriptions = shown.flatMap(({ id, request: wish }) =>
      wish === undefined ? [] : [{ id, ...wish }],
    );
    this.#send({ kind: 'show', subscriptions: subscriptions.slice(0, SUBSCRIPTIONS_MAX) });
  }
}
