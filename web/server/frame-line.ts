/**
 * How frames reach one page: as they are on this machine, packed beyond it, and never more than the
 * line takes. `PageSession` has one. Writes to the WebSocket that is passed in.
 */
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { isProxied } from '../../protocol/rpc/security/browser-requests.js';
import { isLoopback } from '../../protocol/rpc/security/listening.js';
import { plainAddress } from '../../protocol/rpc/security/peer-addresses.js';
import { encodeFrameId } from '../wire/frame.js';
import type { EncodedFrame } from './encoded-frame.js';

/**
 * Bytes queued in the socket beyond which no frame is added: the newest waits at its source, so a
 * slow line shows fewer frames and no old ones.
 */
const QUEUED_BYTES_MAX = { local: 16 * 2 ** 20, remote: 128 * 2 ** 10 };

export class FrameLine {
  readonly #socket: WebSocket;
  /** Whether frames are packed. */
  readonly packs: boolean;
  readonly #hasRoomAgain: () => void;
  #isBlocked = false;

  /** `hasRoomAgain` is called when the socket takes frames again after it did not. */
  constructor(socket: WebSocket, packs: boolean, hasRoomAgain: () => void) {
    this.#socket = socket;
    this.packs = packs;
    this.#hasRoomAgain = hasRoomAgain;
  }

  /** Whether the socket takes a frame; `hasRoomAgain` follows where it does not. */
  checkRoom(): boolean {
    const { readyState, OPEN, bufferedAmount } = this.#socket;
    const most = this.packs ? QUEUED_BYTES_MAX.remote : QUEUED_BYTES_MAX.local;
    this.#isBlocked = bufferedAmount > most;
    return readyState === OPEN && !this.#isBlocked;
  }

  /**
   * `last`: what the page received last of this view. `isWanted` is asked when the frame is
   * packed, which another thread does.
   */
  send(id: number, frame: EncodedFrame, last: EncodedFrame | undefined, isWanted: () => boolean): void {
    if (!this.packs) return this.#write(id, frame.body);
    void frame.packed(last).then((body) => {
      if (isWanted()) this.#write(id, body);
    });
  }

  /** Two fragments of one message: the body is shared by all pages and must not be copied. */
  #write(id: number, body: Uint8Array): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.send(encodeFrameId(id), { binary: true, fin: false });
    this.#socket.send(body, { binary: true, fin: true }, () => this.#written());
  }

  #written(): void {
    if (this.#isBlocked && this.checkRoom()) this.#hasRoomAgain();
  }
}

/**
 * Whether the frames for a page are packed: its browser can inflate them, and is beyond this
 * machine, or says that its line is slow, as behind `ssh -L`.
 */
export function packsFrames({ url = '', headers, socket }: IncomingMessage): boolean {
  const words = new URLSearchParams(url.split('?', 2)[1] ?? '');
  if (words.get('frames') !== 'packed') return false;
  const isLocal = isLoopback(plainAddress(socket.remoteAddress ?? '')) && !isProxied(headers);
  return !isLocal || words.get('line') === 'slow';
}
