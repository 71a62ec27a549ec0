/**
 * A client of SpecTcl's mirror service that sends and reads bytes as a test wants them, wrong ones
 * too. Used by tests of the simulator and the gateway. Opens a TCP connection on loopback, which
 * `close` ends.
 */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import {
  MIRROR_HEADER_BYTES,
  decodeMirrorHeader,
  encodeRequestUpdate,
  encodeShmInfo,
} from '../../protocol/spectcl/mirror-messages.js';

export class MirrorTestClient {
  readonly #socket: Socket;
  /** Received and not taken yet. */
  #chunks: Uint8Array[] = [];
  #receivedBytes = 0;
  #isClosed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#receivedBytes += chunk.byteLength;
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<MirrorTestClient> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new MirrorTestClient(socket);
  }

  /** Sends numbers as single bytes. */
  send(...bytes: readonly (number | Uint8Array)[]): void {
    this.#socket.write(
      Buffer.concat(bytes.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part))),
    );
  }

  /** The next `count` bytes; fewer when the connection closed before. */
  async take(count: number): Promise<Uint8Array> {
    while (this.#receivedBytes < count && !this.#isClosed) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const all = Buffer.concat(this.#chunks);
    const rest = all.subarray(count);
    this.#chunks = [rest];
    this.#receivedBytes = rest.byteLength;
    return all.subarray(0, count);
  }

  /** Sends REQUEST_UPDATE; resolves with the type and the body of the reply. */
  async update(): Promise<{ type: number; body: Uint8Array }> {
    this.send(encodeRequestUpdate());
    const { size, type } = decodeMirrorHeader(await this.take(MIRROR_HEADER_BYTES));
    return { type, body: await this.take(size - MIRROR_HEADER_BYTES) };
  }

  /** Registers a memory key, of any length. */
  sendShmInfo(key: string): void {
    this.send(encodeShmInfo(key));
  }

  /** Stops reading; the kernel's buffers fill. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves with what was not taken yet as soon as the server has closed the connection. */
  async closed(): Promise<Uint8Array> {
    return this.take(Infinity);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
}
