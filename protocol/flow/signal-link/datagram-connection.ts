/**
 * One end of a datagram link: what the kernel does for a stream (connection, order, the end of a
 * killed peer) made from datagrams that may be refused. Every 100 ms each side sends the other
 * something; the refusal of that by the kernel is how a killed peer is noticed, and the newest
 * counts ride along a few times.
 */
import { Backoff } from '../../base/backoff.js';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { MessageDecoder, type MessageHandler } from './framing.js';
import { CLOSE_TIMEOUT_MS, type LinkConnection, type LinkEnd } from './link.js';
import { encodeMessage, kindName, MESSAGE_BYTES, MessageKind } from './messages.js';
import { SIGNAL_QUEUE_BYTES, SignalQueue } from './signal-queue.js';
import type { SendOutcome } from './unix-datagram.js';

/** So long a killed peer stays unnoticed at most. */
export const KEEPALIVE_INTERVAL_MS = 100;
/** Keepalives after the latest count that repeat it. */
const COUNT_REPEATS = 3;
/** Delays before a datagram that the kernel refused is sent again. */
const RETRY_BACKOFF = { firstMs: 1, maxMs: 20 };

/** Longest datagram that makes sense: one end's whole queue. */
const DATAGRAM_MAX_BYTES = SIGNAL_QUEUE_BYTES;

export interface DatagramPath {
  /** Sends to the peer, one attempt. */
  readonly send: (bytes: Buffer, length: number) => SendOutcome;
  /** Why the latest attempt failed. */
  readonly failure: () => string;
  /**
   * Called once at the end, before the close handler: `dead` when the kernel says that nobody has
   * the peer's socket.
   */
  readonly release: (dead: boolean) => void;
}

export class DatagramConnection implements LinkConnection {
  readonly #path: DatagramPath;
  readonly #clock: Clock;
  readonly #decoder = new MessageDecoder((kind, value, detail) => this.#deliver(kind, value, detail), true);
  readonly #queue = new SignalQueue();
  /** The newest counts as they are repeated. */
  readonly #newest = new SignalQueue();
  readonly #out = Buffer.allocUnsafeSlow(SIGNAL_QUEUE_BYTES);
  #state: 'open' | 'closing' | 'closed' = 'open';
  #spoken = false;
  #repeats = 0;
  readonly #retryBackoff = new Backoff(RETRY_BACKOFF);
  #cancelRetry: (() => void) | undefined;
  #cancelCloseTimer: (() => void) | undefined;
  #handler: MessageHandler | undefined;
  #onClose: ((end: LinkEnd) => void) | undefined;

  constructor(path: DatagramPath, clock: Clock) {
    this.#path = path;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#queue.length;
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
    if (isCount(kind)) {
      this.#newest.put(kind, value, detail);
      this.#repeats = COUNT_REPEATS;
    }
    if (this.#queue.length === 0) {
      encodeMessage(this.#out, 0, kind, value, detail);
      if (this.#send(MESSAGE_BYTES) !== 'full') return;
    }
    if (this.#queue.put(kind, value, detail)) {
      this.#retryLater();
    } else {
      const message = `a signal link's other side reads nothing: no room for ${kindName(kind)}`;
      this.destroy(new MirrorflowError('LIMIT_REACHED', message));
    }
  }

  close(): void {
    if (this.#state !== 'open') return;
    if (this.#queue.length === 0) {
      this.#finish({ by: 'us' });
      return;
    }
    this.#state = 'closing';
    this.#decoder.stop();
    this.#cancelCloseTimer = this.#clock.after(CLOSE_TIMEOUT_MS, () => this.#finish({ by: 'us' }));
  }

  destroy(error?: MirrorflowError): void {
    this.#finish(error === undefined ? { by: 'us' } : { by: 'failure', error });
  }

  /** A datagram of the peer. */
  receive(bytes: Buffer): void {
    // An empty one only asked whether this socket is there.
    if (this.#state !== 'open' || bytes.length === 0) return;
    const whole = bytes.length % MESSAGE_BYTES === 0 && bytes.length <= DATAGRAM_MAX_BYTES;
    if (whole && this.#decoder.push(bytes)) return;
    const problem = this.#decoder.problem ?? `a datagram of ${bytes.length} bytes`;
    this.destroy(new MirrorflowError('BAD_MESSAGE', `a signal link broke off: ${problem}`));
  }

  /** To be called every KEEPALIVE_INTERVAL_MS. */
  keepAlive(): void {
    if (this.#state === 'closed' || this.#queue.length > 0) return;
    let bytes = 0;
    if (this.#repeats > 0) {
      this.#repeats--;
      bytes = this.#newest.encodeInto(this.#out);
    } else if (this.#spoken) {
      encodeMessage(this.#out, 0, MessageKind.ALIVE, 0);
      bytes = MESSAGE_BYTES;
    }
    this.#send(bytes);
  }

  #send(bytes: number): SendOutcome {
    const outcome = this.#path.send(this.#out, bytes);
    if (outcome === 'sent' && bytes > 0) this.#spoken = true;
    if (outcome === 'gone') this.#finish({ by: 'peer' }, true);
    if (outcome === 'failed') {
      const message = `a signal link failed: ${this.#path.failure()}`;
      this.#finish({ by: 'failure', error: new MirrorflowError('TRANSPORT_ERROR', message) });
    }
    return outcome;
  }

  #retryLater(): void {
    this.#cancelRetry ??= this.#clock.after(this.#retryBackoff.next(), () => {
      this.#cancelRetry = undefined;
      this.#retry();
    });
  }

  #retry(): void {
    if (this.#state === 'closed') return;
    const outcome = this.#send(this.#queue.encodeInto(this.#out));
    if (outcome === 'full') this.#retryLater();
    else if (outcome === 'sent') {
      this.#retryBackoff.reset();
      this.#queue.clear();
      if (this.#state === 'closing') this.#finish({ by: 'us' });
    }
  }

  #deliver(kind: MessageKind, value: number, detail: number): void {
    if (kind === MessageKind.BYE) this.#finish({ by: 'peer' });
    else if (kind !== MessageKind.ALIVE) this.#handler?.(kind, value, detail);
  }

  #finish(end: LinkEnd, dead = false): void {
    if (this.#state === 'closed') return;
    const told = this.#state === 'closing' ? ({ by: 'us' } as const) : end;
    this.#state = 'closed';
    this.#decoder.stop();
    this.#cancelRetry?.();
    this.#cancelCloseTimer?.();
    if (end.by !== 'peer') {
      // When it is refused, the peer finds out by its own next datagram.
      encodeMessage(this.#out, 0, MessageKind.BYE, 0);
      this.#path.send(this.#out, MESSAGE_BYTES);
    }
    this.#path.release(dead);
    // Never from inside the call that ended it.
    setImmediate(() => this.#onClose?.(told));
  }
}

function isCount(kind: MessageKind): boolean {
  return kind === MessageKind.PUBLISHED || kind === MessageKind.ACK || kind === MessageKind.CREDIT;
}
