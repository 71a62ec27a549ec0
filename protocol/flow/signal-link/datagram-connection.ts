/**
 * One endpoint of a datagram signal link, for datagram-link.ts. A signal link carries counts
 * (published, acknowledged, credit) and other short messages between the processes of a flow. Adds
 * to datagrams what a stream has: connection, order, detection of a killed peer. Does no I/O
 * itself: it sends with functions that are passed in.
 *
 * A keepalive every 100 ms repeats the newest counts, so that a lost datagram delays a wake-up and
 * never loses it; the kernel refuses datagrams to the socket of a dead process, which is how a
 * killed peer is detected. Each datagram begins with LINK, the number of the link on the client's
 * socket.
 */
import { Backoff } from '../../base/backoff.js';
import type { Clock } from '../../base/clock.js';
import { MirrorflowError } from '../../base/errors.js';
import { MessageDecoder, type MessageHandler } from './framing.js';
import { CLOSE_TIMEOUT_MS, type LinkConnection, type LinkEnd } from './link.js';
import { encodeMessage, kindName, LAST, MESSAGE_BYTES, MessageKind } from './messages.js';
import { SIGNAL_QUEUE_BYTES, SignalQueue } from './signal-queue.js';
import type { SendOutcome } from './unix-datagram.js';

/** Also the longest time until a killed peer is detected. */
export const KEEPALIVE_INTERVAL_MS = 100;
/** Delays before a datagram that the kernel refused is sent again. */
const RETRY_BACKOFF = { firstMs: 1, maxMs: 20 };

/** LINK, in front of the messages of a datagram. */
export const DATAGRAM_HEADER_BYTES = MESSAGE_BYTES;

/** Sends to one peer over a socket. */
export interface PeerSender {
  /** Sends to the peer, one attempt. */
  readonly send: (bytes: Buffer, length: number) => SendOutcome;
  /** The reason why the latest attempt failed, for messages. */
  readonly failure: () => string;
  /**
   * Called once at the end, before the close handler. `dead`: the kernel reports that no process
   * has the peer's socket open.
   */
  readonly release: (dead: boolean) => void;
}

export class DatagramConnection implements LinkConnection {
  /** How to send to one peer; not a file path. */
  readonly #peer: PeerSender;
  readonly #clock: Clock;
  readonly #decoder = new MessageDecoder((kind, value, detail) => this.#deliver(kind, value, detail), true);
  readonly #queue = new SignalQueue();
  /** The newest counts, which keepalives repeat. */
  readonly #newest = new SignalQueue();
  readonly #datagram = Buffer.alloc(DATAGRAM_HEADER_BYTES + SIGNAL_QUEUE_BYTES);
  /** The messages of the datagram, behind its LINK. */
  readonly #out = this.#datagram.subarray(DATAGRAM_HEADER_BYTES);
  #state: 'open' | 'closing' | 'closed' = 'open';
  #hasSent = false;
  readonly #retryBackoff = new Backoff(RETRY_BACKOFF);
  #cancelRetry: (() => void) | undefined;
  #cancelCloseTimer: (() => void) | undefined;
  #handler: MessageHandler | undefined;
  #onClose: ((end: LinkEnd) => void) | undefined;

  /** `number`: of the link on the client's socket. */
  constructor(number: number, peer: PeerSender, clock: Clock) {
    this.#peer = peer;
    this.#clock = clock;
    encodeMessage(this.#datagram, 0, MessageKind.LINK, number);
  }

  /** Messages that the kernel has not yet accepted. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** True as soon as closing begins. */
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
    if (isCount(kind)) this.#newest.put(kind, value, detail);
    // A provider that has left has no counts: a repetition would be of no provider.
    if (kind === MessageKind.PUBLISHED && (detail & LAST) !== 0) this.#newest.clear();
    if (this.#queue.length === 0) {
      encodeMessage(this.#out, 0, kind, value, detail);
      if (this.#send(MESSAGE_BYTES) !== 'full') return;
    }
    if (this.#queue.put(kind, value, detail)) {
      this.#retryLater();
    } else {
      const message = `the peer of a signal link does not read: no room for ${kindName(kind)}`;
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

  /** The messages of a datagram of the peer, without its LINK. */
  receive(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    const isWhole = bytes.length % MESSAGE_BYTES === 0 && bytes.length <= SIGNAL_QUEUE_BYTES;
    if (isWhole && this.#decoder.push(bytes)) return;
    const problem = this.#decoder.problem ?? `a datagram of ${bytes.length} bytes`;
    this.destroy(new MirrorflowError('BAD_MESSAGE', `a signal link received an invalid message: ${problem}`));
  }

  /** To be called every KEEPALIVE_INTERVAL_MS. */
  keepAlive(): void {
    if (this.#state === 'closed' || this.#queue.length > 0) return;
    let bytes = this.#newest.encodeInto(this.#out);
    if (bytes === 0 && this.#hasSent) {
      encodeMessage(this.#out, 0, MessageKind.ALIVE, 0);
      bytes = MESSAGE_BYTES;
    }
    this.#send(bytes);
  }

  /** 0 bytes only check that the peer's socket exists. */
  #send(bytes: number): SendOutcome {
    const outcome = this.#peer.send(this.#datagram, bytes === 0 ? 0 : DATAGRAM_HEADER_BYTES + bytes);
    if (outcome === 'sent' && bytes > 0) this.#hasSent = true;
    if (outcome === 'unreachable') this.#finish({ by: 'peer' }, true);
    if (outcome === 'failed') {
      const message = `a signal link failed: ${this.#peer.failure()}`;
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
    else if (kind !== MessageKind.ALIVE && kind !== MessageKind.LINK) this.#handler?.(kind, value, detail);
  }

  #finish(end: LinkEnd, dead = false): void {
    if (this.#state === 'closed') return;
    const reportedEnd = this.#state === 'closing' ? ({ by: 'us' } as const) : end;
    this.#state = 'closed';
    this.#decoder.stop();
    this.#cancelRetry?.();
    this.#cancelCloseTimer?.();
    if (end.by !== 'peer') {
      // If the kernel refuses it, the peer detects the end with its own next datagram.
      encodeMessage(this.#out, 0, MessageKind.BYE, 0);
      this.#peer.send(this.#datagram, DATAGRAM_HEADER_BYTES + MESSAGE_BYTES);
    }
    this.#peer.release(dead);
    // LinkConnection: never called from inside the call that ends the connection.
    setImmediate(() => this.#onClose?.(reportedEnd));
  }
}

/** The number of a datagram's link; undefined for bytes that are no datagram of a link. */
export function linkNumberOf(datagram: Buffer): number | undefined {
  if (datagram.length <= DATAGRAM_HEADER_BYTES) return undefined;
  if (datagram.readUInt32LE(0) !== MessageKind.LINK) return undefined;
  const number = Number(datagram.readBigUInt64LE(8));
  return Number.isSafeInteger(number) ? number : undefined;
}

function isCount(kind: MessageKind): boolean {
  return kind === MessageKind.PUBLISHED || kind === MessageKind.ACK || kind === MessageKind.CREDIT;
}
