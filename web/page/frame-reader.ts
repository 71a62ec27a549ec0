/**
 * Turns the binary messages of one WebSocket into frames, also packed ones, which depend on the
 * last frame of their view. `connection.ts` has one per WebSocket. Inflates outside the page's own
 * tasks; messages keep their order.
 */
import { decodeFrame, type Frame } from '../wire/frame.js';
import { PACKED_CHANGES, PACKED_PREFIX_BYTES, PACKED_WHOLE, unpackFrame } from '../wire/packed-frame.js';

const FORMAT = 'deflate-raw';

export class FrameReader {
  readonly #received: (frame: Frame) => void;
  readonly #missed: (id: number) => void;
  /** The newest frame of each view. */
  readonly #last = new Map<number, Frame>();
  /** The end of the last message that has to wait. */
  #queue: Promise<void> | undefined;

  /** `missed` is called with the view of a frame that depends on one that is not there. */
  constructor(received: (frame: Frame) => void, missed: (id: number) => void) {
    this.#received = received;
    this.#missed = missed;
  }

  /** Whether the browser can inflate packed frames. */
  static get canUnpack(): boolean {
    try {
      return new DecompressionStream(FORMAT) instanceof DecompressionStream;
    } catch {
      return false;
    }
  }

  read(message: ArrayBuffer): void {
    const form = message.byteLength < PACKED_PREFIX_BYTES ? 0 : new DataView(message).getUint32(4, true);
    if (form !== PACKED_WHOLE && form !== PACKED_CHANGES) {
      const frame = decodeFrame(message);
      this.inOrder(() => this.#received(frame));
      return;
    }
    const inflated = inflate(new Uint8Array(message, PACKED_PREFIX_BYTES));
    const id = new DataView(message).getUint32(0, true);
    this.#wait(async () => this.#unpack(id, form === PACKED_CHANGES, await inflated));
  }

  /** Calls the function after all messages that were read before. */
  inOrder(call: () => void): void {
    if (this.#queue === undefined) call();
    else this.#wait(() => Promise.resolve(call()));
  }

  /** Forgets the frames of all other views. */
  keepOnly(ids: ReadonlySet<number>): void {
    for (const id of this.#last.keys()) if (!ids.has(id)) this.#last.delete(id);
  }

  #wait(call: () => Promise<void>): void {
    // An error of one message must not hold the next ones back.
    const next: Promise<void> = (this.#queue ?? Promise.resolve()).then(call).catch(reportError);
    this.#queue = next;
    void next.then(() => {
      if (this.#queue === next) this.#queue = undefined;
    });
  }

  #unpack(id: number, onlyChanges: boolean, bytes: Uint8Array | undefined): void {
    const last = onlyChanges ? this.#last.get(id) : undefined;
    if (bytes === undefined || (onlyChanges && last === undefined)) return this.#missed(id);
    let frame: Frame;
    try {
      frame = { id, ...unpackFrame(bytes, last) };
    } catch {
      return this.#missed(id);
    }
    this.#last.set(id, frame);
    this.#received(frame);
  }
}

/** Undefined for an invalid stream. */
async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
  try {
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(FORMAT));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    return undefined;
  }
}
