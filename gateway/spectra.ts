/**
 * The application's mirror as the gateway uses it: attached when somebody needs it, told of every
 * publication while anybody listens, left alone again when nobody has needed it for a while.
 */
import type { Binding, Client, InputFlow, Mirror } from '../client-lib/index.js';
import { SPECTRA_FLOW } from '../client-lib/index.js';
import type { Clock } from '../protocol/base/clock.js';
import { MirrorflowError, describeError } from '../protocol/base/errors.js';
import type { Logger } from '../protocol/base/log.js';
import { DISPLAY_HEADER_BYTES, bindings } from '../protocol/spectcl/display-memory.js';
import { Publications, type Lease } from './publications.js';

/** Without a need for so long the mirror is left, and SpecTcl is read no more. */
const UNUSED_TIMEOUT_MS = 30_000;
/**
 * A mirror that could not be attached is not tried again before this time: each try may start a
 * process.
 */
const RETRY_AFTER_MS = 500;

export interface SpectraOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether the mirror is needed although nobody asks: viewers attached by key do not say so. */
  readonly needed: () => boolean;
  /** A publication that came, while `needed`. */
  readonly published: (memory: Buffer, bytes: number) => void;
  readonly whenExhausted: () => void;
}

export interface DecodedHeader {
  readonly bindings: readonly Binding[];
  /** Bytes of channel storage. */
  readonly channelBytes: number;
  /** Changes with the header. */
  readonly version: string;
}

interface Attached {
  readonly mirror: Mirror;
  readonly bell: InputFlow;
  readonly publications: Publications;
  readonly image: string | undefined;
  decoded: { readonly headerVersion: number; readonly header: DecodedHeader } | undefined;
}

export class Spectra {
  readonly #options: SpectraOptions;
  #attached: Promise<Attached> | undefined;
  #failure: { readonly error: MirrorflowError; readonly untilMs: number } | undefined;
  #usedMs = 0;
  #cancel: (() => void) | undefined;
  #generation = 0;
  #closed = false;

  constructor(options: SpectraOptions) {
    this.#options = options;
  }

  /** The newest publication; see Publications. Throws why there is no mirror. */
  async newest(): Promise<Lease> {
    return (await this.#use()).publications.newest();
  }

  /** What the newest header says. Throws why there is no mirror. */
  async header(): Promise<DecodedHeader> {
    const attached = await this.#use();
    const lease = attached.publications.newest();
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

  /** Path of the file that is the display memory byte for byte. */
  async imagePath(): Promise<string | undefined> {
    return (await this.#use()).image;
  }

  /** Attaches now, for those who will not ask: tries again and again until it is there. */
  keep(): void {
    if (this.#closed || !this.#options.needed()) return;
    this.#use().catch(() => {
      this.#options.clock.after(RETRY_AFTER_MS, () => this.keep(), true);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#leave();
  }

  async #use(): Promise<Attached> {
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    this.#usedMs = nowMs;
    if (this.#attached !== undefined) return this.#attached;
    if (this.#closed) throw new MirrorflowError('CLOSED', 'the gateway ends');
    if (this.#failure !== undefined && nowMs < this.#failure.untilMs) throw this.#failure.error;
    const attaching = this.#attach();
    this.#attached = attaching;
    try {
      const attached = await attaching;
      this.#failure = undefined;
      this.#watchUse();
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

  async #attach(): Promise<Attached> {
    const { client, whenExhausted, log } = this.#options;
    const mirror = await client.mirror();
    const bell = await client.openInput(SPECTRA_FLOW, { inline: true, delivery: 'lossy', start: 'newest' });
    const image = (await client.flows()).find(({ flow }) => flow === SPECTRA_FLOW)?.image;
    const publications = new Publications(
      (use) =>
        mirror.read((spectra, { sequence, timestampNs }) => use(spectra.memory, { sequence, timestampNs })),
      whenExhausted,
    );
    this.#generation += 1;
    const attached: Attached = { mirror, bell, publications, image, decoded: undefined };
    void this.#listen(attached).catch((error: unknown) => log.error('publications are not heard', { error }));
    log.info('mirroring', { image });
    return attached;
  }

  /** Hears of every publication. Copies it at once only where somebody needs it. */
  async #listen(attached: Attached): Promise<void> {
    const { bell, publications, mirror } = attached;
    this.#tell(publications, mirror);
    while (!bell.ended) {
      const buffer = await bell.take();
      if (buffer === undefined) break;
      buffer.release();
      // Several that came together are one: only the newest counts.
      if (bell.ready === 0) this.#tell(publications, mirror);
    }
    if (this.#closed || (await this.#attached) !== attached) return;
    this.#options.log.warn('the mirror has ended');
    await this.#leave();
    this.keep();
  }

  #tell(publications: Publications, mirror: Mirror): void {
    if (!this.#options.needed()) return;
    const lease = publications.newest();
    try {
      this.#options.published(lease.memory, mirror.memory.byteLength);
    } finally {
      lease.release();
    }
  }

  #watchUse(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(
      UNUSED_TIMEOUT_MS,
      () => {
        const unusedMs = this.#options.clock.nowMs() - this.#usedMs;
        if (unusedMs < UNUSED_TIMEOUT_MS || this.#options.needed()) this.#watchUse();
        else void this.#leave();
      },
      true,
    );
  }

  async #leave(): Promise<void> {
    this.#cancel?.();
    const attached = this.#attached;
    this.#attached = undefined;
    if (attached === undefined) return;
    const found = await attached.catch(() => undefined);
    await found?.bell.close();
    await this.#options.client.unmap();
    if (found !== undefined) this.#options.log.info('not mirroring any more: nobody needs it');
  }
}
