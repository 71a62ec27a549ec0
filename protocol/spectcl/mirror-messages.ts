/**
 * Messages of SpecTcl's mirror service, which sends its display memory to mirror clients over TCP.
 * Used by duplicators as clients, and by the gateway and the simulator as servers.
 * Without I/O. A message is an 8-byte header and a body:
 *
 *   0 +------+------+
 *     | size | type |  u32 little-endian; size: bytes of the whole message, header included
 *   8 +------+------+
 *     | body        |
 *     +-------------+
 *
 * Clients send 1 SHMINFO and 2 REQUEST_UPDATE; servers answer with 3 FULL_UPDATE or 4
 * PARTIAL_UPDATE.
 */
import { LIMITS } from '../base/limits.js';
import { DISPLAY_HEADER_BYTES } from './display-memory.js';

export const MIRROR_MESSAGE = { SHMINFO: 1, REQUEST_UPDATE: 2, FULL_UPDATE: 3, PARTIAL_UPDATE: 4 } as const;
export const MIRROR_HEADER_BYTES = 8;
/**
 * Length of a memory key. SpecTcl closes the connection for any other length; Rustogramer (a
 * SpecTcl-compatible histogrammer) accepts any text.
 */
export const SYSTEM_V_KEY_BYTES = 4;

export interface MirrorMessageHeader {
  /** Bytes of the whole message. */
  readonly size: number;
  readonly type: number;
}

/**
 * The checked header of an update: its `bodyBytes` belong at offset `landsAt` of the display
 * memory.
 */
export type ReplyHeader =
  | { readonly kind: 'full' | 'partial'; readonly bodyBytes: number; readonly landsAt: number }
  | { readonly kind: 'bad'; readonly problem: string };

export type MirrorRequest =
  { readonly kind: 'shminfo'; readonly key: Uint8Array } | { readonly kind: 'request-update' };

/** Throws RangeError when the size does not fit in 32 bits. */
export function encodeMirrorHeader(type: number, bodyBytes: number): Uint8Array {
  const size = MIRROR_HEADER_BYTES + bodyBytes;
  if (size > 0xffff_ffff) throw new RangeError(`a mirror message of ${size} bytes does not fit in 32 bits`);
  const bytes = new Uint8Array(MIRROR_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, size, true);
  view.setUint32(4, type, true);
  return bytes;
}

/** Reads the first 8 bytes. Throws RangeError for fewer. */
export function decodeMirrorHeader(bytes: Uint8Array): MirrorMessageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { size: view.getUint32(0, true), type: view.getUint32(4, true) };
}

/** `key`: the memory key that the client registers, exactly 4 bytes for SpecTcl. */
export function encodeShmInfo(key: string): Uint8Array {
  const text = new TextEncoder().encode(key);
  return Buffer.concat([encodeMirrorHeader(MIRROR_MESSAGE.SHMINFO, text.byteLength), text]);
}

export function encodeRequestUpdate(): Uint8Array {
  return encodeMirrorHeader(MIRROR_MESSAGE.REQUEST_UPDATE, 0);
}

/**
 * Checks the header of a server's message before its body is received. `channelCapacity`: bytes of
 * channel storage that the client has. Without a defined spectrum, SpecTcl sends 1 byte of channels
 * and Rustogramer none; both are valid.
 */
export function checkReplyHeader(size: number, type: number, channelCapacity: number): ReplyHeader {
  if (size < MIRROR_HEADER_BYTES) return bad(`a message of ${size} bytes is shorter than its own header`);
  const bodyBytes = size - MIRROR_HEADER_BYTES;
  if (type === MIRROR_MESSAGE.FULL_UPDATE) {
    if (bodyBytes < DISPLAY_HEADER_BYTES) {
      return bad(`a full update of ${bodyBytes} bytes is shorter than a header of ${DISPLAY_HEADER_BYTES}`);
    }
    const channels = bodyBytes - DISPLAY_HEADER_BYTES;
    if (channels > channelCapacity) {
      return bad(
        `a full update carries ${channels} bytes of channels, and the memory has ${channelCapacity}`,
      );
    }
    return { kind: 'full', bodyBytes, landsAt: 0 };
  }
  if (type === MIRROR_MESSAGE.PARTIAL_UPDATE) {
    if (bodyBytes > channelCapacity) {
      return bad(
        `a partial update carries ${bodyBytes} bytes of channels, and the memory has ${channelCapacity}`,
      );
    }
    return { kind: 'partial', bodyBytes, landsAt: DISPLAY_HEADER_BYTES };
  }
  return bad(`message type ${type} is neither a full (3) nor a partial (4) update`);
}

function bad(problem: string): ReplyHeader {
  return { kind: 'bad', problem };
}

/**
 * Decodes a client's requests on the server's side, until a first invalid message stops it for
 * good. Keeps at most one incomplete message, of a header and LIMITS.mirrorKeyBytes; a chunk of n
 * bytes gives at most n / 8 requests.
 */
export class MirrorRequestDecoder {
  readonly #keyBytes: number | undefined;
  #pending: Uint8Array = new Uint8Array(0);
  #problem: string | undefined;

  /** `keyBytes`: the only accepted length of a memory key; any length by default. */
  constructor(options: { readonly keyBytes?: number } = {}) {
    this.#keyBytes = options.keyBytes;
  }

  /** The reason why decoding stopped (close the connection then); undefined before. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /**
   * Returns the requests that `chunk` completes, also those in front of an invalid message. The
   * caller may reuse the chunk afterwards.
   */
  push(chunk: Uint8Array): MirrorRequest[] {
    if (this.#problem !== undefined) return [];
    const bytes = this.#pending.byteLength === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const requests: MirrorRequest[] = [];
    let at = 0;
    while (bytes.byteLength - at >= MIRROR_HEADER_BYTES) {
      const { size, type } = decodeMirrorHeader(bytes.subarray(at));
      this.#problem = this.#problemOf(size, type);
      if (this.#problem !== undefined) {
        this.#pending = new Uint8Array(0);
        return requests;
      }
      if (bytes.byteLength - at < size) break;
      requests.push(
        type === MIRROR_MESSAGE.SHMINFO
          ? { kind: 'shminfo', key: Uint8Array.from(bytes.subarray(at + MIRROR_HEADER_BYTES, at + size)) }
          : { kind: 'request-update' },
      );
      at += size;
    }
    this.#pending = Uint8Array.from(bytes.subarray(at));
    return requests;
  }

  #problemOf(size: number, type: number): string | undefined {
    const bodyBytes = size - MIRROR_HEADER_BYTES;
    if (bodyBytes < 0) return `a message of ${size} bytes is shorter than its own header`;
    if (type === MIRROR_MESSAGE.REQUEST_UPDATE) {
      return bodyBytes === 0 ? undefined : `a request for an update with a body of ${bodyBytes} bytes`;
    }
    if (type !== MIRROR_MESSAGE.SHMINFO) return `message type ${type} is not a request`;
    if (this.#keyBytes !== undefined && bodyBytes !== this.#keyBytes) {
      return `a memory key of ${bodyBytes} bytes instead of ${this.#keyBytes}`;
    }
    if (bodyBytes > LIMITS.mirrorKeyBytes) {
      return `a memory key of ${bodyBytes} bytes; at most ${LIMITS.mirrorKeyBytes} are allowed`;
    }
    return undefined;
  }
}
