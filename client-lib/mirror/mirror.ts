/**
 * A mirror as a program uses it: the mapped image (always the newest), spectra by name over it, and
 * consistent reads of one publication. It holds a signal link as an observer, which keeps the
 * duplicator alive, tells the source's state and is told of nothing else: an idle mirror wakes
 * nobody.
 */
import { EventEmitter } from 'eventemitter3';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { imageState, openImage } from '../../protocol/flow/flow-file/image.js';
import { sourceStateOf, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import { openFlowFile, openFlowHeader } from '../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import type { LinkConnection, LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import { greet, type EarlyGreeting } from './early-greeting.js';
import { SpectraView } from './spectra.js';

export interface PublicationMeta {
  readonly sequence: number;
  /** Wall-clock nanoseconds since 1970, to 256 ns. */
  readonly timestampNs: number;
  /** Bytes of the display memory that are defined. */
  readonly size: number;
}

interface MirrorEvents {
  /** The source's state changed: `live`, `stale` while it is away, `ended`. */
  state: [state: SourceState];
  /** The duplicator has gone; nothing changes any more until the mirror is attached again. */
  lost: [end: LinkEnd];
  /**
   * Attached again, to a new duplicator; `state` follows. `memory` is another buffer from now on.
   */
  reattached: [];
}

/** What one attachment holds; replaced as a whole when the mirror is attached again. */
interface Attachment {
  /** The flow file's header. */
  readonly header: FlowFile;
  /** The whole flow file, mapped by the first `read`. */
  ring: FlowFile | undefined;
  readonly image: Buffer;
  readonly link: LinkConnection;
}

/** Runs over the slot itself before a private copy is made, which the writer cannot outrun. */
const READS_IN_PLACE = 2;
/**
 * Attempts to copy one publication; each fails only when the writer went once around the ring
 * meanwhile.
 */
const COPY_ATTEMPTS = 100;

export class Mirror extends EventEmitter<MirrorEvents> {
  readonly #client: number;
  #attachment: Attachment;
  #copy: Buffer | undefined;
  #closed = false;

  private constructor(attachment: Attachment, client: number) {
    super();
    this.#client = client;
    this.#attachment = attachment;
    this.#watch(attachment);
  }

  /**
   * Attaches to what flow.open answered. Throws NOT_A_MIRROR for a flow without an image. `client`:
   * what it says it is on the link. `early`: the link, where it was greeted already; this mirror's
   * from now on.
   */
  static async attach(opened: OpenedFlow, client: number, early?: EarlyGreeting): Promise<Mirror> {
    return new Mirror(await open(opened, client, early), client);
  }

  /** Attaches again, to a new duplicator's files. `memory` is another buffer from then on. */
  async reattach(opened: OpenedFlow): Promise<void> {
    const attachment = await open(opened, this.#client);
    if (this.#closed) {
      attachment.link.destroy();
      throw new MirrorflowError('CLOSED', 'the mirror is unmapped');
    }
    const old = this.#attachment;
    this.#attachment = attachment;
    old.link.destroy();
    this.#watch(attachment);
    this.emit('reattached');
    this.emit('state', this.state);
  }

  /**
   * The display memory, mapped read-only (writing to it ends the process): byte for byte SpecTcl's,
   * from offset 0, and always the newest, brought up to date in place. Valid until `unmap`; use
   * `read` where a whole publication is needed.
   */
  get memory(): Buffer {
    return this.#attachment.image;
  }

  /** Spectra over the image: live views. */
  get spectra(): SpectraView {
    return new SpectraView(this.memory);
  }

  /** Whether the mirror is attached and its source is live. */
  get isMirroring(): boolean {
    return !this.#closed && !this.#attachment.link.closed && this.state === 'live';
  }

  get state(): SourceState {
    if (this.#closed) return 'ended';
    return this.#attachment.link.closed ? 'stale' : this.#attachment.header.sourceState;
  }

  /** Publications so far in this epoch, and the image's generation (odd while it is written). */
  get published(): number {
    return this.#attachment.header.published;
  }

  get generation(): number {
    return imageState(this.#attachment.header).generation;
  }

  /**
   * Runs `use` over one published sequence, never a mixture of two, and again when the writer was
   * faster; so `use` must have no effect outside itself, and nothing it was given may be kept. When
   * it cannot keep up it gets a private copy.
   */
  read<T>(use: (spectra: SpectraView, meta: PublicationMeta) => T): T {
    const attachment = this.#attachment;
    const file = ringOf(attachment);
    // Without a writer the image cannot change any more: it is the last publication.
    if (file === undefined) return use(new SpectraView(attachment.image), lastMeta(attachment));
    const reader = new RingReader(file, 'newest');
    for (let attempt = 0; attempt < READS_IN_PLACE; attempt += 1) {
      reader.follow('newest');
      if (reader.look() !== 'ready') continue;
      const result = use(new SpectraView(reader.view()), metaOf(reader));
      if (reader.stillThere()) return result;
    }
    this.#copy ??= Buffer.alloc(file.geometry.payloadCapacity);
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt += 1) {
      reader.follow('newest');
      if (reader.copy(this.#copy) === 'ready')
        return use(new SpectraView(this.#copy.subarray(0, reader.size)), metaOf(reader));
    }
    throw new MirrorflowError(
      'TIMED_OUT',
      `no publication could be read whole in ${COPY_ATTEMPTS} attempts: the writer is faster than a copy`,
    );
  }

  /**
   * Detaches. Buffers and typed arrays that were handed out must not be used any more. Idempotent.
   */
  unmap(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#attachment.link.close();
  }

  #watch(attachment: Attachment): void {
    attachment.link.onMessage((kind, _value, detail) => {
      const state = kind === MessageKind.STATUS ? sourceStateOf(detail) : undefined;
      if (state !== undefined && !this.#closed) this.emit('state', state);
    });
    attachment.link.onClose((end) => {
      if (this.#closed || attachment !== this.#attachment) return;
      this.emit('lost', end);
    });
  }
}

function metaOf(reader: RingReader): PublicationMeta {
  return { sequence: reader.sequence, timestampNs: reader.timestampNs, size: reader.size };
}

/**
 * The whole flow file; undefined when its duplicator has gone and taken it away before it was
 * mapped.
 */
function ringOf(attachment: Attachment): FlowFile | undefined {
  try {
    attachment.ring ??= openFlowFile(attachment.header.path, 'read');
    return attachment.ring;
  } catch (error) {
    if (attachment.link.closed && isMirrorflowError(error, 'UNKNOWN_FLOW')) return undefined;
    throw error;
  }
}

function lastMeta({ header, image }: Attachment): PublicationMeta {
  return {
    sequence: imageState(header).sequence ?? 0,
    timestampNs: header.sourceStateSinceNs,
    size: image.length,
  };
}

async function open(opened: OpenedFlow, client: number, early?: EarlyGreeting): Promise<Attachment> {
  if (opened.image === undefined) {
    early?.giveUp();
    throw new MirrorflowError(
      'NOT_A_MIRROR',
      `the flow ${opened.flow} is of type ${opened.type} and has no image to map`,
      {
        flow: opened.flow,
        type: opened.type,
      },
    );
  }
  // The files are mapped while the duplicator is on its way to answer.
  const welcomed = early === undefined ? greet(opened.link, client) : undefined;
  try {
    const header = openFlowHeader(opened.file);
    const image = openImage(opened.image);
    const known = await early?.of(opened.link, header.epoch);
    const link = known ?? (await (welcomed ?? greet(opened.link, client))).link;
    return { header, ring: undefined, image, link };
  } catch (error) {
    early?.giveUp();
    void welcomed?.then(
      ({ link }) => link.destroy(),
      () => undefined,
    );
    throw error;
  }
}
