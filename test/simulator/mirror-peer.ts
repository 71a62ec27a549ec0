/** A minimal mirror client for tests: a socket, and reading a given number of bytes. */
import { once } from 'node:events';
import { type Socket, connect } from 'node:net';

export class MirrorPeer {
  readonly #socket: Socket;
  #chunks: Uint8Array[] = [];
  #received = 0;
  #ended = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#received += chunk.byteLength;
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#ended = true;
      this.#wake();
    });
  }

  static async connect(port: number): Promise<MirrorPeer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new MirrorPeer(socket);
  }

  send(...bytes: readonly (number | Uint8Array)[]): void {
    this.#socket.write(
      Buffer.concat(bytes.map((part) => (typeof part === 'number' ? Uint8Array.of(part) : part))),
    );
  }

  /** The next `count` bytes; fewer when the connection closed before. */
  async take(count: number): Promise<Uint8Array> {
    while (this.#received < count && !this.#ended) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const all = Buffer.concat(this.#chunks);
    const rest = all.subarray(count);
    this.#chunks = [rest];
    this.#received = rest.byteLength;
    return all.subarray(0, count);
  }

  /** Sends REQUEST_UPDATE and gives the whole reply. */
  async update(): Promise<{ type: number; body: Uint8Array }> {
    this.send(Uint8Array.of(8, 0, 0, 0, 2, 0, 0, 0));
    const header = Buffer.from(await this.take(8));
    const size = header.readUInt32LE(0);
    return { type: header.readUInt32LE(4), body: await this.take(size - 8) };
  }

  shmInfo(key: string): void {
    const header = Buffer.alloc(8);
    header.writeUInt32LE(8 + key.length, 0);
    header.writeUInt32LE(1, 4);
    this.send(header, Buffer.from(key));
  }

  /** Stops reading; the kernel's buffers fill. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Resolves with what was not taken yet when the server has closed. */
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
