/**
 * Reads what a stream has stored of one flow, in order, from a stream sequence on, and continues
 * with what is stored meanwhile: one request, after which the server pushes. Made by NatsReceiver
 * to catch up. Subscribes on the connection that it is given.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { randomBytes } from 'node:crypto';
import type { Clock } from '../../../protocol/base/clock.js';
import { describeError } from '../../../protocol/base/errors.js';
import { REQUEST_TIMEOUT_MS, asBuffer, type StreamPlace } from '../../../protocol/nats/stream-place.js';

export interface StreamReaderOptions {
  readonly place: StreamPlace;
  /** Subjects of answers to this site begin with it. */
  readonly inboxPrefix: string;
  /** Messages of these subjects are read. */
  readonly filter: string;
  readonly clock: Clock;
}

export interface StreamReaderHooks {
  /** A stored message; `pending`: how many stored ones follow it. */
  message(subject: string, payload: Buffer, streamSequence: number, pending: number): void;
  /** Nothing more is stored at present. */
  idle(): void;
  /** The server asks for a sign that what it pushed is processed. */
  flowControl(answer: () => void): void;
  /** The server pushes no more: read again behind the last message. */
  failed(reason: string): void;
}

const IDLE_HEARTBEAT_MS = 1_000;
const SILENCE_MS = 5 * IDLE_HEARTBEAT_MS;
/** The server forgets a reader without a subscription after this time. */
const INACTIVE_MS = 10_000;
const NS_PER_MS = 1_000_000;
/** Begin of the subjects at which servers await answers to flow control. */
const FLOW_CONTROL = '$JS.FC.';
/** Status of messages that carry no data. */
const CONTROL_STATUS = 100;

export class StreamReader {
  readonly #options: StreamReaderOptions;
  readonly #hooks: StreamReaderHooks;
  readonly #subscription: Subscription;
  /** Messages pushed so far: a missing one shows in the number of the next. */
  #delivered = 0;
  #cancelSilence: () => void = () => undefined;
  #stopped = false;

  /** Reads from stream sequence `from` on. */
  constructor(options: StreamReaderOptions, from: number, hooks: StreamReaderHooks) {
    this.#options = options;
    this.#hooks = hooks;
    const name = `read-${randomBytes(8).toString('hex')}`;
    const inbox = `${options.inboxPrefix}.${name}`;
    this.#subscription = options.place.connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) this.#fail(describeError(error));
        else this.#arrived(message);
      },
    });
    void this.#create(name, inbox, from);
    this.#restartSilence();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#cancelSilence();
    this.#subscription.unsubscribe();
  }

  async #create(name: string, inbox: string, from: number): Promise<void> {
    const { place, filter } = this.#options;
    const { connection, apiPrefix, stream } = place;
    const config = {
      name,
      deliver_subject: inbox,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: Math.max(1, from),
      ack_policy: 'none',
      max_deliver: 1,
      filter_subject: filter,
      replay_policy: 'instant',
      flow_control: true,
      idle_heartbeat: IDLE_HEARTBEAT_MS * NS_PER_MS,
      inactive_threshold: INACTIVE_MS * NS_PER_MS,
      mem_storage: true,
      num_replicas: 1,
    };
    try {
      const answer = await connection.request(
        `${apiPrefix}.CONSUMER.CREATE.${stream}.${name}.${filter}`,
        JSON.stringify({ stream_name: stream, config }),
        { timeout: REQUEST_TIMEOUT_MS },
      );
      const { error, num_pending: pending } = answer.json<ConsumerAnswer>();
      if (error !== undefined) this.#fail(error.description ?? 'the server refuses to read the stream');
      else if (pending === 0 && this.#delivered === 0 && !this.#stopped) this.#hooks.idle();
    } catch (error) {
      this.#fail(describeError(error));
    }
  }

  #arrived(message: Msg): void {
    if (this.#stopped) return;
    this.#restartSilence();
    if (message.headers !== undefined && message.headers.code === CONTROL_STATUS) {
      this.#control(message);
      return;
    }
    const place = storedPlace(message.reply);
    if (place === undefined) {
      this.#fail('a message of the stream has no place in it');
      return;
    }
    this.#delivered += 1;
    if (place.delivered === this.#delivered)
      this.#hooks.message(message.subject, asBuffer(message.data), place.streamSequence, place.pending);
    else this.#fail(`message ${this.#delivered} of the stream is missing`);
  }

  /** Flow control has a subject to be answered; a heartbeat of a stalled reader names one. */
  #control(message: Msg): void {
    const subject = message.reply ?? message.headers?.get('Nats-Consumer-Stalled');
    if (subject !== undefined && subject !== '') {
      // An empty message elsewhere could be a request to the server, with the rights of this site.
      if (!subject.startsWith(FLOW_CONTROL)) {
        this.#fail(`flow control is to be answered at ${subject}`);
        return;
      }
      this.#hooks.flowControl(() => {
        if (!this.#stopped) this.#options.place.connection.publish(subject);
      });
      return;
    }
    const last = Number(message.headers?.get('Nats-Last-Consumer'));
    if (last === this.#delivered) this.#hooks.idle();
    else this.#fail(`message ${this.#delivered + 1} of the stream is missing`);
  }

  #restartSilence(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#options.clock.after(
      SILENCE_MS,
      () => this.#fail(`the stream sent nothing for ${SILENCE_MS} ms`),
      true,
    );
  }

  #fail(reason: string): void {
    if (this.#stopped) return;
    this.stop();
    this.#hooks.failed(reason);
  }
}

interface ConsumerAnswer {
  readonly error?: { readonly description?: string };
  readonly num_pending?: number;
}

/**
 * From the reply subject: `$JS.ACK.STREAM.CONSUMER.DELIVERED.STREAM_SEQ.CONSUMER_SEQ.TIME.PENDING`,
 * or with domain and account in front of the stream and a token behind.
 */
function storedPlace(reply: string | undefined) {
  const tokens = reply?.split('.') ?? [];
  const at = tokens.length === 9 ? 5 : 7;
  const [streamSequence, delivered, , pending] = tokens.slice(at).map(Number);
  if (tokens[0] !== '$JS' || streamSequence === undefined || delivered === undefined || pending === undefined)
    return undefined;
  return { streamSequence, delivered, pending };
}
