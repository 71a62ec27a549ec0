/** Reads and writes of a Unix socket without its stream: on real sockets. */
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from 'chai';

import { moveToReader, writeDirectly } from '../../../../protocol/flow/signal-link/direct-socket.js';

/** More than the buffers of a Unix socket hold. */
const LARGE_BYTES = 4 * 1024 * 1024;

describe('a direct write to a socket', () => {
  let directory = '';
  let path = '';
  let server: Server;
  let sockets: Socket[] = [];

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'direct.sock');
    server = createServer({ pauseOnConnect: true });
    server.listen(path);
    await once(server, 'listening');
  });

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    server.close();
    await once(server, 'close');
    rmSync(directory, { recursive: true, force: true });
  });

  async function connectPair(): Promise<{ readonly near: Socket; readonly far: Socket }> {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    const near = connect(path);
    await once(near, 'connect');
    const [far] = await accepted;
    sockets.push(near, far);
    return { near, far };
  }

  function pattern(bytes: number): Buffer {
    const words = Uint32Array.from({ length: bytes / 4 }, (_, index) => index);
    return Buffer.from(words.buffer);
  }

  it('a direct write reaches the kernel before it returns', async () => {
    const { near, far } = await connectPair();
    far.resume();
    expect(writeDirectly(near, Buffer.from('signal'), 6)).to.equal(6);
    expect(near.writableLength).to.equal(0);
    expect(String((await once(far, 'data'))[0])).to.equal('signal');
  });

  it('a direct write accepts what has room, and the stream sends the rest in order', async () => {
    const { near, far } = await connectPair();
    const bytes = pattern(LARGE_BYTES);
    const accepted = writeDirectly(near, bytes, LARGE_BYTES);
    expect(accepted).to.be.within(1, LARGE_BYTES - 1);
    expect(writeDirectly(near, bytes.subarray(accepted), LARGE_BYTES - accepted)).to.equal(0);
    near.end(bytes.subarray(accepted));
    const received: Buffer[] = [];
    for await (const chunk of far) received.push(chunk as Buffer);
    expect(Buffer.concat(received).equals(bytes)).to.equal(true);
  });

  it('a direct write to a closed socket writes to no other file that has its descriptor', async () => {
    const { near } = await connectPair();
    const { fd } = (near as unknown as { _handle: { fd: number } })._handle;
    near.destroy();
    const file = join(directory, 'file');
    const opened: number[] = [];
    while (!opened.includes(fd)) opened.push(openSync(file, 'w'));
    expect(writeDirectly(near, Buffer.from('signal'), 6)).to.equal(0);
    for (const descriptor of opened) closeSync(descriptor);
    expect(readFileSync(file, 'utf8')).to.equal('');
  });

  it('a direct write to a peer that has closed accepts nothing, and the stream reports the cause', async () => {
    const { near, far } = await connectPair();
    far.destroy();
    await once(far, 'close');
    expect(writeDirectly(near, Buffer.from('signal'), 6)).to.equal(0);
    const failed = once(near, 'error') as Promise<[NodeJS.ErrnoException]>;
    near.write('signal');
    expect((await failed)[0].code).to.equal('EPIPE');
  });

  it('an accepted connection that was moved reads into the given buffer, writes, and ends', async () => {
    const { near, far } = await connectPair();
    const buffer = Buffer.alloc(16);
    const received: string[] = [];
    const moved = moveToReader(far, {
      buffer,
      callback: (bytes, filled) => {
        expect(filled).to.equal(buffer);
        received.push(buffer.toString('latin1', 0, bytes));
        return true;
      },
    });
    if (moved === undefined) throw new Error('this Node cannot move a connection');
    sockets.push(moved);
    const ended = once(moved, 'end');
    near.write('a signal of more than 16 bytes');
    moved.write('answer');
    expect(String((await once(near, 'data'))[0])).to.equal('answer');
    near.end();
    await ended;
    expect(received.join('')).to.equal('a signal of more than 16 bytes');
  });
});
