/**
 * A mirror of SpecTcl's display memory as a program uses it: `Client.mirror` returns it. Gives the
 * image (the newest memory, a mapped file), spectra by name over it, and consistent reads of one
 * publication (one whole display memory in the ring). Maps files read-only and holds a signal link
 * as an observer, which keeps the duplicator running and reports the source's state; an idle mirror
 * causes no wake-ups. The functions at the end are for the session and for tests; index.ts does not
 * export them.
 */
import { EventEmitter } from 'eventemitter3';
import type { OpenedFlow } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError, isMirrorflowError } from '../../protocol/base/errors.js';
import type { FlowFile } from '../../protocol/flow/flow-file/flow-file.js';
import { imageState, openImage } from '../../protocol/flow/flow-file/image.js';
import { sourceStateOf, type SourceState } from '../../protocol/flow/flow-file/layout.js';
import { openFlowFile, openFlowHeader } from '../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../protocol/flow/flow-file/ring-reader.js';
import type { LinkEnd } from '../../protocol/flow/signal-link/link.js';
import { MessageKind } from '../../protocol/flow/signal-link/messages.js';
import type { JoinedLink } from '../link/handshake.js';
import { leftMapping } from '../link/replaced-file.js';
import { joinAsObserver, type EarlyHandshake } from './early-handshake.js';
import { SpectraView } from './spectra.js';

/** What is known of one publication besides its spectra. */
export interface PublicationMeta {
  /** Number of the publication, from 0. */
  readonly sequence: number;
  /** Wall-clock nanoseconds since 1970, to 256 ns. */
  readonly timestampNs: number;
  /** Bytes of the display memory that are defined. */
  readonly size: number;
}

interface MirrorEvents {
  /** The source's state changed: `live`, `stale` while it is unreachable, `ended`. */
  state: [state: SourceState];
  /** The link to the duplicator has ended; nothing changes any more until `reattached`. */
  detached: [end: LinkEnd];
  /** Attached to a new duplicator; `state` follows. `memory` is another buffer from now on. */
  reattached: [];
}

/** Files and link of one attachment; replaced as a whole when the mirror is reattached. */
interface Attachment {
  /** The flow file's header. */
  readonly header: FlowFile;
  /** The whole flow file, mapped by the first `read`. */
  ring: FlowFile | undefined;
  readonly image: Buffer;
  readonly link: JoinedLink;
}

/** Runs of `read` over the slot itself, before it uses a private copy instead. */
const READS_IN_PLACE = 2;
/** Attempts to copy one publication; each fails only when the writer laps the ring meanwhile. */
const COPY_ATTEMPTS = 100;

/** Access to private members for the functions at the end of this module. */
interface Internals {
  create(attachment: Attachment, client: number): Mirror;
  reattach(mirror: Mirror, opened: OpenedFlow): Promise<void>;
}

let internals: Internals;

/** The mirror of a SpecTcl's display memory on this host, from `client.mirror`. */
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

  static {
    internals = {
      create: (attachment, client) => new Mirror(attachment, client),
      reattach: (mirror, opened) => mirror.#reattach(opened),
    };
  }

  async #reattach(opened: OpenedFlow): Promise<void> {
    const attachment = await open(opened, this.#client);
    if (this.#closed) {
      attachment.link.connection.destroy();
      throw new MirrorflowError('CLOSED', 'the mirror was unmapped while it reattached');
    }
    const old = this.#attachment;
    this.#attachment = attachment;
    old.link.connection.destroy();
    leftMapping(old.image.length + (old.ring?.bytes.length ?? 0));
    this.#watch(attachment);
    this.emit('reattached');
    this.emit('state', this.state);
  }

  /**
   * The newest display memory, byte for byte SpecTcl's from offset 0, mapped read-only (writing to
   * it ends the process) and updated in place. Valid until `unmap` or `reattached`; use `read`
   * where a whole publication is needed.
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
    return !this.#closed && !this.#attachment.link.connection.closed && this.state === 'live';
  }

  /** `live`, or `stale` while the source is unreachable. */
  get state(): SourceState {
    if (this.#closed) return 'ended';
    return this.#attachment.link.connection.closed ? 'stale' : this.#attachment.header.sourceState;
  }

  /** Number of publications in this epoch. */
  get published(): number {
    return this.#attachment.header.published;
  }

  /** Generation of the image: grows with each update, odd while the image is written. */
  get generation(): number {
    return imageState(this.#attachment.header).generation;
  }

  /**
   * Runs `use` over one publication, never a mixture of two, and runs it again when the writer was
   * faster, at last over a private copy. So `use` must have no side effects, and must not keep its
   * arguments. Throws TIMED_OUT when the writer is faster than a copy.
   */
  read<T>(use: (spectra: SpectraView, meta: PublicationMeta) => T): T {
    const attachment = this.#attachment;
    const file = ringOf(attachment);
    // No writer is left, so the image does not change any more: it is the last publication.
    if (file === undefined) return use(new SpectraView(attachment.image), lastMeta(attachment));
    const reader = new RingReader(file, 'newest');
    for (let attempt = 0; attempt < READS_IN_PLACE; attempt += 1) {
      reader.enterEpoch('newest');
      if (reader.peek() !== 'ready') continue;
      const result = use(new SpectraView(reader.view()), metaOf(reader));
      if (reader.isIntact()) return result;
    }
    this.#copy ??= Buffer.alloc(file.geometry.payloadCapacity);
    for (let attempt = 0; attempt < COPY_ATTEMPTS; attempt += 1) {
      reader.enterEpoch('newest');
      if (reader.copy(this.#copy) === 'ready')
        return use(new SpectraView(this.#copy.subarray(0, reader.size)), metaOf(reader));
    }
    throw new MirrorflowError(
      'TIMED_OUT',
      `no publication could be read whole in ${COPY_ATTEMPTS} attempts: the writer is faster than a copy`,
    );
  }

  /**
   * Detaches. Buffers and typed arrays of this mirror must not be used any more. Idempotent.
   */
  unmap(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#attachment.link.connection.close();
  }

  #watch(attachment: Attachment): void {
    attachment.link.connection.onMessage((kind, _value, detail) => {
      const state = kind === MessageKind.STATUS ? sourceStateOf(detail) : undefined;
      if (state !== undefined && !this.#closed) this.emit('state', state);
    });
    attachment.link.onEnd((end) => {
      if (this.#closed || attachment !== this.#attachment) return;
      this.emit('detached', end);
    });
  }
}

function metaOf(reader: RingReader): PublicationMeta {
  return { sequence: reader.sequence, timestampNs: reader.timestampNs, size: reader.size };
}

/** The whole flow file; undefined when its duplicator removed it before it was mapped. */
function ringOf(attachment: Attachment): FlowFile | undefined {
  try {
    attachment.ring ??= openFlowFile(attachment.header.path, 'read');
    return attachment.ring;
  } catch (error) {
    if (attachment.link.connection.closed && isMirrorflowError(error, 'UNKNOWN_FLOW')) return undefined;
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

async function open(opened: OpenedFlow, client: number, early?: EarlyHandshake): Promise<Attachment> {
  if (opened.image === undefined) {
    early?.abandon();
    throw new MirrorflowError(
      'NOT_A_MIRROR',
      `the flow ${opened.flow} is of type ${opened.type} and has no image to map`,
      { flow: opened.flow, type: opened.type },
    );
  }
  // The files are mapped while the duplicator answers.
  const joining = early === undefined ? joinAsObserver(opened.link, client) : undefined;
  try {
    const header = openFlowHeader(opened.file);
    const image = openImage(opened.image);
    const joinedEarly = await early?.take(opened.link, header.epoch);
    const link = joinedEarly ?? (await (joining ?? joinAsObserver(opened.link, client)));
    if (link.epoch !== header.epoch) {
      const message = `the duplicator of flow ${opened.flow} was replaced while its mirror attached: open it again`;
      throw new MirrorflowError('CLOSED', message, { flow: opened.flow });
    }
    return { header, ring: undefined, image, link };
  } catch (error) {
    early?.abandon();
    void joining?.then(
      ({ connection }) => connection.destroy(),
      () => undefined,
    );
    throw error;
  }
}

/**
 * Attaches to the mirror that `flow.open` of the app server answered. Throws NOT_A_MIRROR for a
 * flow without an image, and as `Handshake.join`. `client`: number of the client on the link.
 * `early`: a handshake that was begun before the answer; the mirror's from now on.
 */
export async function attachMirror(
  opened: OpenedFlow,
  client: number,
  early?: EarlyHandshake,
): Promise<Mirror> {
  return internals.create(await open(opened, client, early), client);
}

/** Attaches a mirror to the files of a new duplicator. Throws as `attachMirror`, and CLOSED. */
export function reattachMirror(mirror: Mirror, opened: OpenedFlow): Promise<void> {
  return internals.reattach(mirror, opened);
}
