/**
 * One frame of one view, encoded once for all pages that show it: as it is for pages on this
 * machine, as deflated changes for those beyond. `frames.ts` creates it, `page-session.ts` sends
 * it. Deflates in the threads of libuv; keeps what it encoded for as long as the frame is kept.
 */
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { encodeFrameBody, type FrameHead, type Values } from '../wire/frame.js';
import { isSameShape, PACKED_CHANGES, PACKED_WHOLE, packFrame } from '../wire/packed-frame.js';

const deflate = promisify(deflateRaw);
/** Counts of 512 × 512 channels take 0.3 ms and half a percent more bytes than at level 6. */
const LEVEL = 3;
const FORM_BYTES = 4;

export class EncodedFrame {
  readonly key: string;
  /** Identifies the picture among those of the same key. */
  readonly version: string;
  readonly head: FrameHead;
  readonly values: Values;
  #body: Uint8Array | undefined;
  #whole: Promise<Uint8Array> | undefined;
  /** By the frame that the page has; does not keep that one in memory. */
  readonly #changes = new WeakMap<EncodedFrame, Promise<Uint8Array>>();

  constructor(key: string, version: string, head: FrameHead, values: Values) {
    this.key = key;
    this.version = version;
    this.head = head;
    this.values = values;
  }

  /** Without the id of the subscription (`frame.ts`). */
  get body(): Uint8Array {
    this.#body ??= encodeFrameBody(this.head, this.values);
    return this.#body;
  }

  /**
   * Packed, without the id of the subscription (`packed-frame.ts`). `last`: what the page received
   * last of this view.
   */
  packed(last: EncodedFrame | undefined): Promise<Uint8Array> {
    if (last === undefined || last.key !== this.key || !isSameShape(last.head, this.head)) {
      this.#whole ??= packedBody(PACKED_WHOLE, packFrame(this, undefined));
      return this.#whole;
    }
    const existing = this.#changes.get(last);
    if (existing !== undefined) return existing;
    const created = packedBody(PACKED_CHANGES, packFrame(this, last));
    this.#changes.set(last, created);
    return created;
  }
}

async function packedBody(form: number, bytes: Uint8Array): Promise<Uint8Array> {
  const deflated = await deflate(bytes, { level: LEVEL });
  const body = new Uint8Array(FORM_BYTES + deflated.length);
  new DataView(body.buffer).setUint32(0, form, true);
  body.set(deflated, FORM_BYTES);
  return body;
}
