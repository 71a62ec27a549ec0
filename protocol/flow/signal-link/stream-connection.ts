/**
 * One end of a stream signal link, for stream-link.ts: reads and writes a connected Unix socket. A
 * signal is one write, directly to the socket. What the kernel has no room for is written by the
 * socket's stream; meanwhile signals coalesce in a queue of fixed size, and are sent together when
 * that write completes.
 */
import type { Socket } from 'node:net';

import type { Clock } from '../../base/clock.js';
import { describeError, MirrorflowError, systemCode } from '../../base/errors.js';
import { writeDirectly } from './direct-socket.js';
import { MessageDecoder, type MessageHandler } from './framing.js';
import { CLOSE_TIMEOUT_MS, type LinkConnection, type LinkEnd } from './link.js';
import { encodeMessage, kindName, MESSAGE_BYTES, type MessageKind } from './messages.js';
import { SIGNAL_QUEUE_BYTES, SignalQueue } from './signal-queue.js';

/** The message of a signal, which the kernel copies before the write returns. */
const signalBytes = Buffer.allocUnsafeSlow(MESSAGE_BYTES);

export class StreamConnection implements LinkConnection {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #decoder = new MessageDecoder((kind, value, detail) => {
    this.#hasReceived = true;
    this.#handler?.(kind, value, detail);
  });
  /** Undefined until the kernel had no room for the first time. */
  #queue: SignalQueue | undefined;
  readonly #written = (): void => this.#flush();
  #state: 'open' | 'closing' | 'closed' = 'open';
  #hasReceived = false;
  #handler: MessageHandler | undefined;
  #onClose: ((end: LinkEnd) => void) | undefined;
  #end: LinkEnd | undefined;
  #cancelTimer: (() => void) | undefined;

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.on('error', (error) => {
      this.#end ??= endOf(error);
    });
    // Handlers run before this end is closed in answer: then the peer knows that they have run.
    socket.once('end', () => this.#closed());
    socket.once('close', () => this.#closed());
  }

  /** Handles bytes from the socket; the caller may reuse the chunk afterwards. */
  receive(chunk: Uint8Array, length: number): void {
    if (this.#state === 'closed' || this.#decoder.push(chunk, length)) return;
    this.destroy(
      new MirrorflowError(
        'BAD_MESSAGE',
        `a signal link received an invalid message: ${this.#decoder.problem ?? ''}`,
      ),
    );
  }

  /** Destroys the connection unless a first message arrives within this time. */
  expectMessageWithin(timeoutMs: number): void {
    this.#cancelTimer = this.#clock.after(
      timeoutMs,
      () => {
        if (this.#hasReceived || this.#state !== 'open') return;
        this.destroy(
          new MirrorflowError('TIMED_OUT', `a signal link received no message within ${timeoutMs} ms`),
        );
      },
      true,
    );
  }

  get waiting(): number {
    return this.#queue?.length ?? 0;
  }

  get closed(): boolean {
    return this.#state !== 'open';
  }

  onMessage(handler: MessageHandler): void {
    this.#handler = handler;
  }

  onClose(handler: (end: LinkEnd) => void): void {
    this.#onClose = handler;
  }

  signal(kind: MessageKind, value: number, detail = 0): void {
    if (this.#state !== 'open') return;
    if (this.waiting === 0 && this.#socket.writableLength === 0) {
      encodeMessage(signalBytes, 0, kind, value, detail);
      const accepted = writeDirectly(this.#socket, signalBytes, MESSAGE_BYTES);
      if (accepted < MESSAGE_BYTES) this.#writeLater(signalBytes.subarray(accepted));
      return;
    }
    this.#queue ??= new SignalQueue();
    if (!this.#queue.put(kind, value, detail)) {
      const message = `the peer of a signal link does not read: no room for ${kindName(kind)}`;
      this.destroy(new MirrorflowError('LIMIT_REACHED', message));
    }
  }

  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closing';
    this.#end ??= { by: 'us' };
    this.#decoder.stop();
    this.#cancelTimer?.();
    this.#cancelTimer = this.#clock.after(CLOSE_TIMEOUT_MS, () => this.#socket.destroy());
    this.#flush();
  }

  destroy(error?: MirrorflowError): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#end ??= error === undefined ? { by: 'us' } : { by: 'failure', error };
    this.#decoder.stop();
    this.#socket.destroy();
  }

  #flush(): void {
    if (this.#state === 'closed' || this.#socket.destroyed || this.#socket.writableLength > 0) return;
    if (this.#queue !== undefined && this.#queue.length > 0) {
      const out = Buffer.allocUnsafe(SIGNAL_QUEUE_BYTES);
      const bytes = this.#queue.encodeInto(out);
      this.#queue.clear();
      this.#socket.write(out.subarray(0, bytes), this.#written);
    }
    if (this.#state === 'closing' && this.#socket.writable) this.#socket.end();
  }

  /** The stream writes it when the peer's socket has room. */
  #writeLater(bytes: Buffer): void {
    this.#socket.write(Buffer.from(bytes), this.#written);
  }

  #closed(): void {
    this.#state = 'closed';
    this.#decoder.stop();
    this.#cancelTimer?.();
    const onClose = this.#onClose;
    this.#onClose = undefined;
    onClose?.(this.#end ?? { by: 'peer' });
  }
}

/** A killed peer resets the connection or breaks the pipe: an end by the peer, not a failure. */
function endOf(error: Error): LinkEnd {
  const code = systemCode(error);
  if (code === 'ECONNRESET' || code === 'EPIPE') return { by: 'peer' };
  const message = `a signal link failed: ${describeError(error)}`;
  return { by: 'failure', error: new MirrorflowError('TRANSPORT_ERROR', message, {}, error) };
}
