/**
 * Writes the publications of this site into its stream: all in one order, many under way at the
 * same time, each stored once. Every message states which one must be stored before it, so that a
 * lost one keeps the later ones out; after any failure the writer looks up what is stored and
 * continues behind it. Shared by the publishers of all flows. Sends requests on its connection.
 *
 * | state   | event                                     | next                                     |
 * | ------- | ----------------------------------------- | ---------------------------------------- |
 * | syncing | the end of the stream is found            | writing: sends again what is not stored  |
 * | syncing | no answer                                 | syncing, after a delay                   |
 * | writing | stored                                    | writing                                  |
 * | writing | refused, or no answer                     | syncing                                  |
 * | any     | close()                                   | ended                                    |
 */
import { Backoff } from '../../protocol/base/backoff.js';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import { natsTransport } from '../../protocol/nats/packages.js';
import type { SiteSeals } from '../../protocol/nats/signature.js';
import { REQUEST_TIMEOUT_MS, asBuffer, type StreamPlace } from '../../protocol/nats/stream-place.js';
import { ensureStream, streamEnd, type StreamBounds } from './stream-setup.js';

export interface StreamMessage {
  readonly subject: string;
  readonly payload: Buffer;
  /** Nats-Msg-Id; unique. */
  readonly id: string;
}

export interface StreamWriterOptions {
  readonly place: StreamPlace;
  readonly bounds: StreamBounds;
  readonly clock: Clock;
  readonly log: Logger;
  readonly seals: SiteSeals;
}

interface Pending extends StreamMessage {
  readonly stored: () => void;
}

/** What the message before must be. */
type Expectation = readonly [header: string, value: string];

const SYNC_BACKOFF = { firstMs: 100, maxMs: 2_000 };
/** Bytes that may be under way; a publisher waits while there are more. */
const WINDOW_BYTES = 8 * 2 ** 20;

export class StreamWriter {
  readonly #options: StreamWriterOptions;
  readonly #stopping = new AbortController();
  readonly #pending: Pending[] = [];
  #pendingBytes = 0;
  #waitingForRoom: (() => void)[] = [];
  /** Stream sequence of the last message that is known to be stored. */
  #anchor = 0;
  #storedBytes = 0;
  /** Distinguishes answers of the present round from those of messages that were sent again. */
  #round = 0;
  #isWriting = false;
  #expectation: Expectation | undefined;
  #headers: Awaited<ReturnType<typeof natsTransport>>['headers'] | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: StreamWriterOptions) {
    this.#options = options;
    this.#sync();
  }

  /** Whatever is published from now on is stored behind this sequence of the stream. */
  get anchor(): number {
    return this.#anchor;
  }

  /** Bytes stored by this process. */
  get storedBytes(): number {
    return this.#storedBytes;
  }

  get seals(): SiteSeals {
    return this.#options.seals;
  }

  get bounds(): StreamBounds {
    return this.#options.bounds;
  }

  get place(): StreamPlace {
    return this.#options.place;
  }

  /** Resolves when the message is stored; never rejects, and stays pending when closed before. */
  publish(message: StreamMessage): Promise<void> {
    return new Promise((resolve) => {
      const payload = asBuffer(this.#options.seals.seal(message.subject, message.payload));
      this.#pending.push({ ...message, payload, stored: resolve });
      this.#pendingBytes += payload.length;
      const last = this.#pending.at(-1);
      if (this.#isWriting && last !== undefined) this.#send(last);
    });
  }

  /** Resolves when more may be published; at once when closed. */
  async room(): Promise<void> {
    while (this.#pendingBytes >= WINDOW_BYTES && !this.#stopping.signal.aborted)
      await new Promise<void>((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** What is not stored yet may be lost. Idempotent. */
  async close(): Promise<void> {
    this.#stopping.abort();
    this.#isWriting = false;
    this.#round += 1;
    this.#wakeWaiting();
    await this.#running;
  }

  #send(message: Pending): void {
    const round = this.#round;
    const { connection, stream } = this.#options.place;
    const headers = this.#headers?.();
    if (headers === undefined) return;
    headers.set('Nats-Msg-Id', message.id);
    headers.set('Nats-Expected-Stream', stream);
    if (this.#expectation !== undefined) headers.set(...this.#expectation);
    this.#expectation = ['Nats-Expected-Last-Msg-Id', message.id];
    connection
      .request(message.subject, message.payload, { headers, timeout: REQUEST_TIMEOUT_MS })
      .then((answer) => {
        const { error, seq } = answer.json<PublicationAnswer>();
        if (round !== this.#round) return;
        if (error === undefined && seq !== undefined) this.#stored(message, seq);
        else this.#restart(error?.description ?? 'the answer of the server has no sequence');
      })
      .catch((error: unknown) => {
        if (round === this.#round) this.#restart(describeError(error));
      });
  }

  #stored(message: Pending, sequence: number): void {
    this.#anchor = Math.max(this.#anchor, sequence);
    const count = this.#pending.indexOf(message) + 1;
    for (const { payload, stored } of this.#pending.splice(0, count)) {
      this.#pendingBytes -= payload.length;
      this.#storedBytes += payload.length;
      stored();
    }
    if (this.#pendingBytes < WINDOW_BYTES) this.#wakeWaiting();
  }

  #wakeWaiting(): void {
    const waiting = this.#waitingForRoom;
    this.#waitingForRoom = [];
    for (const wake of waiting) wake();
  }

  #restart(reason: string): void {
    const { log, place } = this.#options;
    log.warn('NATS has not stored a publication; looking up what is stored', {
      stream: place.stream,
      reason,
    });
    this.#sync();
  }

  #sync(): void {
    this.#round += 1;
    this.#isWriting = false;
    this.#running = this.#runSync(this.#round);
  }

  async #runSync(round: number): Promise<void> {
    const { place, bounds, clock, log } = this.#options;
    const backoff = new Backoff(SYNC_BACKOFF);
    const wait = new InterruptibleWait(clock, this.#stopping.signal);
    let reported = '';
    while (round === this.#round) {
      try {
        this.#headers ??= (await natsTransport()).headers;
        await ensureStream(place, bounds);
        const end = await streamEnd(place);
        if (round !== this.#round) return;
        this.#continueBehind(end);
        return;
      } catch (error) {
        const reason = describeError(error);
        if (reason !== reported && round === this.#round)
          log.warn('the stream of NATS cannot be reached; trying again', { stream: place.stream, reason });
        reported = reason;
        await wait.wait(backoff.next());
      }
    }
  }

  #continueBehind({ sequence, id }: { readonly sequence: number; readonly id: string }): void {
    const last = this.#pending.find((one) => one.id === id);
    if (last !== undefined) this.#stored(last, sequence);
    this.#anchor = sequence;
    this.#expectation = ['Nats-Expected-Last-Sequence', String(sequence)];
    this.#isWriting = true;
    for (const message of this.#pending) this.#send(message);
  }
}

interface PublicationAnswer {
  readonly error?: { readonly description?: string };
  readonly seq?: number;
}
