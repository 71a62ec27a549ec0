/**
 * A bare client of SpecTcl's mirror protocol: requests one update at a time and receives it whole
 * into one buffer. Used by `spectcl-peers.ts` and the benchmark `gateway`. Opens one TCP
 * connection.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import {
  decodeMirrorHeader,
  encodeRequestUpdate,
  MIRROR_HEADER_BYTES,
  MIRROR_MESSAGE,
} from '../protocol/spectcl/mirror-messages.js';

export class MirrorClient {
  /** The display memory as of the last update. */
  readonly memory: Buffer;
  readonly #socket: Socket;
  readonly #header = Buffer.alloc(MIRROR_HEADER_BYTES);
  #headerBytes = 0;
  /** Where the next bytes of the body belong, and how many are missing; -1 before a header. */
  #at = 0;
  #left = -1;
  #received: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  private constructor(port: number, channelBytes: number) {
    this.memory = Buffer.alloc(DISPLAY_HEADER_BYTES + channelBytes);
    this.#socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: () =>
          this.#left < 0
            ? this.#header.subarray(this.#headerBytes)
            : this.memory.subarray(this.#at, this.#at + this.#left),
        callback: (bytes) => {
          this.#receive(bytes);
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#failed?.(error));
    this.#socket.on('close', () => this.#failed?.(new Error('the mirror service closed the connection')));
  }

  /** `channelBytes`: channel storage of the source, at least. Rejects when it cannot connect. */
  static async open(port: number, channelBytes: number): Promise<MirrorClient> {
    const client = new MirrorClient(port, channelBytes);
    await once(client.#socket, 'connect');
    return client;
  }

  /** Resolves when the update is complete, with the milliseconds since its request. */
  async update(): Promise<number> {
    const began = performance.now();
    await new Promise<void>((resolve, reject) => {
      this.#received = resolve;
      this.#failed = reject;
      this.#socket.write(encodeRequestUpdate());
    });
    return performance.now() - began;
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  #receive(bytes: number): void {
    if (this.#left < 0) {
      this.#headerBytes += bytes;
      if (this.#headerBytes < MIRROR_HEADER_BYTES) return;
      const { size, type } = decodeMirrorHeader(this.#header);
      this.#headerBytes = 0;
      this.#left = size - MIRROR_HEADER_BYTES;
      this.#at = type === MIRROR_MESSAGE.FULL_UPDATE ? 0 : DISPLAY_HEADER_BYTES;
    } else {
      this.#left -= bytes;
      this.#at += bytes;
    }
    if (this.#left > 0) return;
    this.#left = -1;
    this.#received?.();
  }
}
