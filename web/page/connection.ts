/**
 * The WebSocket of the page to its server. It reconnects by itself, with growing pauses, and
 * reports when it opens and closes. `ViewerPage` owns the only one and passes on its messages.
 * Opens sockets; touches no document.
 */
import { Backoff } from '../../protocol/base/backoff.js';
import type { Frame } from '../wire/frame.js';
import type { PageMessage, ServerMessage } from '../wire/messages.js';
import { FrameReader } from './frame-reader.js';

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
  #reader: FrameReader | undefined;
  readonly #backoff = new Backoff(RECONNECT_PAUSES);

  constructor(events: ConnectionEvents) {
    this.#events = events;
  }

  open(): void {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/live${wordsForServer()}`);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    const reader = new FrameReader(
      (frame) => this.#events.frame(frame),
      (id) => this.send({ kind: 'ack', id, again: true }),
    );
    this.#reader = reader;
    let opened = false;
    socket.addEventListener('open', () => {
      opened = true;
      this.#backoff.reset();
      this.#events.opened();
    });
    socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== 'string') return reader.read(data);
      const message = JSON.parse(data) as ServerMessage;
      reader.inOrder(() => this.#events.message(message));
    });
    socket.addEventListener('close', () => {
      this.#socket = undefined;
      this.#events.closed(!opened);
      setTimeout(() => this.open(), this.#backoff.next());
    });
  }

  /** Drops the message while not connected; `opened` is the event to send everything again. */
  send(message: PageMessage): void {
    if (message.kind === 'show') this.#reader?.keepOnly(new Set(message.subscriptions.map(({ id }) => id)));
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}

/**
 * What the server needs to choose how it sends frames. A page that was opened with `?line=slow`, as
 * through an SSH tunnel, says so.
 */
function wordsForServer(): string {
  if (!FrameReader.canUnpack) return '';
  const isSlow = new URLSearchParams(location.search).get('line') === 'slow';
  return isSlow ? '?frames=packed&line=slow' : '?frames=packed';
}
