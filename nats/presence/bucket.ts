/**
 * The bucket of all sites at a NATS server: writes the entry of this host and watches those of
 * others, whatever happens to server and bucket. Owned by `Presence`. Makes and watches the
 * bucket over a connection that it is given.
 */
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Clock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import { InterruptibleWait } from '../../protocol/base/interruptible-wait.js';
import type { Logger } from '../../protocol/base/log.js';
import { natsBuckets, natsJetstream } from '../../protocol/nats/packages.js';
import { ENTRY_BYTES_MAX } from './entry.js';
import { ENTRY_LIFE_MS } from './far-hosts.js';

/** Time until the bucket is opened again after a failure. */
const RETRY_MS = 2_000;
const API_TIMEOUT_MS = 5_000;
const CLOSE_MS = 1_000;

export interface BucketOptions {
  readonly connection: NatsConnection;
  readonly name: string;
  /** JetStream domain of the bucket; undefined: that of the server. */
  readonly domain: string | undefined;
  /** An entry was written: undefined when it was deleted. */
  readonly onEntry: (key: string, value: Uint8Array | undefined) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Bucket {
  readonly #options: BucketOptions;
  readonly #ending = new AbortController();
  readonly #watching: Promise<void>;
  #bucket: KV | undefined;
  #stopWatch: () => void = () => undefined;
  /** The cause that was logged last. */
  #reported = '';

  constructor(options: BucketOptions) {
    this.#options = options;
    this.#watching = this.#watch();
  }

  /** Writes an entry. Returns whether it was written; the reason for a failure is logged. */
  async put(key: string, value: Uint8Array): Promise<boolean> {
    if (this.#bucket === undefined) return false;
    try {
      await this.#bucket.put(key, value);
      return true;
    } catch (error) {
      this.#failed(error);
      // The bucket may be gone: the watch makes it again.
      this.#stopWatch();
      return false;
    }
  }

  /**
   * Deletes the entry of this host and ends the watch. Resolves after CLOSE_MS at the latest: a
   * server out of reach forgets the entry by itself, and the owner closes the connection next.
   * Idempotent.
   */
  async close(key: string): Promise<void> {
    const bucket = this.#bucket;
    this.#ending.abort();
    this.#stopWatch();
    const isOpen = !this.#options.connection.isClosed();
    const deletion = isOpen ? bucket?.delete(key).catch(() => undefined) : undefined;
    const deadline = new Promise<void>((resolve) => this.#options.clock.after(CLOSE_MS, resolve, true));
    await Promise.race([Promise.all([deletion, this.#watching]), deadline]);
  }

  async #watch(): Promise<void> {
    const { connection, clock, onEntry } = this.#options;
    const { signal } = this.#ending;
    const wait = new InterruptibleWait(clock, signal);
    while (!signal.aborted && !connection.isClosed()) {
      try {
        this.#bucket = await this.#open();
        const entries = await this.#bucket.watch();
        this.#stopWatch = () => entries.stop();
        this.#reported = '';
        if (signal.aborted) entries.stop();
        for await (const { key, value, operation } of entries) {
          onEntry(key, operation === 'PUT' ? value : undefined);
        }
      } catch (error) {
        this.#failed(error);
      }
      this.#bucket = undefined;
      await wait.wait(RETRY_MS);
    }
  }

  async #open(): Promise<KV> {
    const { connection, name, domain } = this.#options;
    const [{ jetstream }, { Kvm }] = await Promise.all([natsJetstream(), natsBuckets()]);
    const client = jetstream(connection, {
      timeout: API_TIMEOUT_MS,
      ...(domain !== undefined && { domain }),
    });
    return new Kvm(client).create(name, { history: 1, ttl: ENTRY_LIFE_MS, maxValueSize: ENTRY_BYTES_MAX });
  }

  /** Logs a failure; a cause that repeats is logged once. */
  #failed(error: unknown): void {
    const cause = describeError(error);
    if (this.#ending.signal.aborted || cause === this.#reported) return;
    this.#reported = cause;
    const { name, domain, log } = this.#options;
    log.warn('the bucket of all sites cannot be used; trying again', { bucket: name, domain, cause });
  }
}
