/**
 * The gateway's access to the mirror of its application.
 *
 * `gateway.ts` owns one; both services read publications through it. It attaches the mirror at the
 * first use, follows its publications, and detaches after a time without use, so that SpecTcl is
 * not read without need.
 */
import type { Binding, Client, InputFlow, Mirror } from '../client-lib/index.js';
import { SPECTRA_FLOW } from '../client-lib/index.js';
import type { Clock } from '../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../protocol/spectcl/display-memory.js';
import { Counter, Publications, type Lease } from './publications.js';

/** Time without use after which the mirror is detached. */
const UNUSED_TIMEOUT_MS = 30_000;
/** Time between attempts to attach the mirror: each attempt may start a process. */
const RETRY_AFTER_MS = 500;

export interface MirrorSourceOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the mirror must stay attached without requests: viewers attached by key send none. */
  readonly isNeeded: () => boolean;
  /** Whether `onPublication` reads channels; else it may get older ones with the newest header. */
  readonly needsChannels: boolean;
  /** Called for each publication while `isNeeded`; `bytes` is the size of the display memory. */
  readonly onPublication: (publication: Lease, bytes: number) => void;
  readonly whenExhausted: () => void;
}

export interface DecodedHeader {
  readonly bindings: readonly Binding[];
  /** Bytes of channel storage. */
  readonly channelBytes: number;
  /** Differs for each header. */
  readonly version: string;
}

interface Attachment {
  readonly mirror: Mirror;
  /** The mirror's flow, read only as a signal that there is a new publication. */
  readonly updates: InputFlow;
  readonly publications: Publications;
  readonly image: string | undefined;
  decoded: { readonly headerVersion: number; readonly header: DecodedHeader } | undefined;
}

export class MirrorSource {
  readonly #options: MirrorSourceOptions;
  #attached: Promise<Attachment> | undefined;
  #failure: { readonly error: MirrorflowError; readonly untilMs: number } | undefined;
  #lastUseMs = 0;
  #cancel: (() => void) | undefined;
  #generation = 0;
  /** Continues over attachments: a mirror client must not take another header for its own. */
  readonly #headerVersions = new Counter();
  #closed = false;

  constructor(options: MirrorSourceOptions) {
    this.#options = options;
  }

  /** The newest publication; see `Publications`. Throws the cause when there is no mirror. */
  async newest(): Promise<Lease> {
    return (await this.#use()).publications.newest();
  }

  /** The newest header, decoded. Throws the cause when there is no mirror. */
  async header(): Promise<DecodedHeader> {
    const attached = await this.#use();
    const lease = attached.publications.newestHeader();
    try {
      const { headerVersion, memory } = lease;
      if (attached.decoded?.headerVersion !== headerVersion) {
        const header = {
          bindings: bindings(memory),
          channelBytes: attached.mirror.memory.byteLength - DISPLAY_HEADER_BYTES,
          version: `${this.#generation}/${headerVersion}`,
        };
        attached.decoded = { headerVersion, header };
      }
      return attached.decoded.header;
    } finally {
      lease.release();
    }
  }

  /** Path of the image, the file that equals the display memory byte for byte. */
  async imagePath(): Promise<string | undefined> {
    return (await this.#use()).image;
  }

  /** Attaches the mirror now if it is needed, and retries until that succeeds. */
  keep(): void {
    if (this.#closed || !this.#options.isNeeded()) return;
    this.#use().catch(() => {
      this.#options.clock.after(RETRY_AFTER_MS, () => this.keep(), true);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#detach();
  }

  async #use(): Promise<Attachment> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#lastUseMs = nowMs;
    if (this.#attached !== undefined) return this.#attached;
    if (this.#closed) throw new MirrorflowError('CLOSED', 'the gateway is stopping');
    if (this.#failure !== undefined && nowMs < this.#failure.untilMs) throw this.#failure.error;
    const attaching = this.#attach();
    this.#attached = attaching;
    try {
      const attached = await attaching;
      this.#failure = undefined;
      this.#scheduleDetach();
      return attached;
    } catch (thrown) {
      this.#attached = undefined;
      const error =
        thrown instanceof MirrorflowError
          ? thrown
          : new MirrorflowError('SYSTEM_ERROR', describeError(thrown));
      this.#failure = { error, untilMs: clock.nowMs() + RETRY_AFTER_MS };
      throw error;
    }
  }

  async #attach(): Promise<Attachment> {
    const { client, whenExhausted, log } = this.#options;
    const mirror = await client.mirror();
    const updates = await client.openInput(SPECTRA_FLOW, {
      inline: true,
      delivery: 'lossy',
      start: 'newest',
    });
    const image = (await client.flows()).find(({ flow }) => flow === SPECTRA_FLOW)?.image;
    const publications = new Publications(
      (use) =>
        mirror.read((spectra, { sequence, timestampNs }) => use(spectra.memory, { sequence, timestampNs })),
      whenExhausted,
      this.#headerVersions,
    );
    this.#generation += 1;
    const attached: Attachment = { mirror, updates, publications, image, decoded: undefined };
    void this.#follow(attached).catch((error: unknown) =>
      log.error('publications are no longer followed', { error }),
    );
    log.info('mirroring', { image });
    return attached;
  }

  /** Waits for each publication until the flow ends. */
  async #follow(attached: Attachment): Promise<void> {
    const { updates, publications, mirror } = attached;
    this.#passOn(publications, mirror);
    while (!updates.ended) {
      const buffer = await updates.take();
      if (buffer === undefined) break;
      buffer.release();
      // Of several publications at once only the newest is passed on.
      if (updates.ready === 0) this.#passOn(publications, mirror);
    }
    if (this.#closed || (await this.#attached) !== attached) return;
    this.#options.log.warn('the mirror has stopped');
    await this.#detach();
    this.keep();
  }

  #passOn(publications: Publications, mirror: Mirror): void {
    if (!this.#options.isNeeded()) return;
    const lease = this.#options.needsChannels ? publications.newest() : publications.newestHeader();
    try {
      this.#options.onPublication(lease, mirror.memory.byteLength);
    } finally {
      lease.release();
    }
  }

  #scheduleDetach(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(
      UNUSED_TIMEOUT_MS,
      () => {
        const unusedMs = this.#options.clock.nowMs() - this.#lastUseMs;
        if (unusedMs < UNUSED_TIMEOUT_MS || this.#options.isNeeded()) this.#scheduleDetach();
        else void this.#detach();
      },
      true,
    );
  }

  async #detach(): Promise<void> {
    this.#cancel?.();
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    const attachment = await attached.catch(() => undefined);
    await attachment?.updates.close();
    await this.#options.client.unmap();
    if (attachment !== undefined) this.#options.log.info('mirror detached: it is not in use');
  }
}
