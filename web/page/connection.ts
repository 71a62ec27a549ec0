/**
 * The page's one WebSocket: it comes back by itself, with growing pauses, and says whether it is
 * there.
 */
import { Backoff } from '../../protocol/base/backoff.js';
import { decodeFrame, type Frame } from '../wire/frame.js';
import type { PageMessage, ServerMessage } from '../wire/messages.js';

export interface ConnectionEvents {
  opened(): void;
  /** The server does not answer; `refused` when it may want a sign-in. */
  closed(refused: boolean): void;
  message(message: ServerMessage): void;
  frame(frame: Frame): void;
}

const PAGE_BACKOFF = { firstMs: 250, maxMs: 3_000 };

export class Connection {
  readonly #events: ConnectionEvents;
  #socket: WebSocket | undefined;
  readonly #backoff = new Backoff(PAGE_BACKOFF);

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  open(): void {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/live`);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    let opened = false;
    socket.addEventListener('open', () => {
      opened = true;
      this.#backoff.reset();
      this.#events.opened();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data === 'string') this.#events.message(JSON.parse(data) as ServerMessage);
      else this.#events.frame(decodeFrame(data));
    });
    socket.addEventListener('close', () => {
      this.#socket = undefined;
      this.#events.closed(!opened);
      setTimeout(() => this.open(), this.#backoff.next());
    });
  }

  /** What is said while it is away is lost; everything is said again when it has opened. */
  send(message: PageMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
