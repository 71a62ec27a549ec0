/**
 * The WebSocket of the page to its server. It reconnects by itself, with growing pauses, and
 * reports when it opens and closes. `main.ts` owns the only one and handles its messages. Opens
 * sockets; touches no document.
 */
import { Backoff } from '../../protocol/base/backoff.js';
import { decodeFrame, type Frame } from '../wire/frame.js';
import type { PageMessage, ServerMessage } from '../wire/messages.js';

export interface ConnectionEvents {
  opened(): void;
  /** The connection failed or ended; `refused`: it never opened, so a sign-in may be missing. */
  closed(refused: boolean): void;
  message(message: ServerMessage): void;
  frame(frame: Frame): void;
}

const RECONNECT_PAUSES = { firstMs: 250, maxMs: 3_000 };

export class Connection {
  readonly #events: ConnectionEvents;
  #socket: WebSocket | undefined;
  readonly #backoff = new Backoff(RECONNECT_PAUSES);

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

  /** Drops the message while not connected; `opened` is the event to send everything again. */
  send(message: PageMessage): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
