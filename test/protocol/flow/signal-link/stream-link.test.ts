/** The stream link: the conformance suite of links, and what only streams do. */
import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { expect } from 'chai';

import type { LinkConnection, LinkEnd } from '../../../../protocol/flow/signal-link/link.js';
import { encodeMessage, MESSAGE_BYTES, MessageKind } from '../../../../protocol/flow/signal-link/messages.js';
import { streamLink } from '../../../../protocol/flow/signal-link/stream-link.js';
import { describeLinkConformance } from './conformance.js';

describeLinkConformance('stream', streamLink(), async (path, bytes) => {
  const socket = connect(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  return () => void socket.destroy();
});

describe('a stream link alone', () => {
  let directory = '';
  let path = '';

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, 'link.sock');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  async function endOfRaw(bytes: Buffer, helloTimeoutMs: number): Promise<LinkEnd> {
    const server = streamLink().createServer({ helloTimeoutMs });
    const ended = new Promise<LinkEnd>((resolve) =>
      server.onConnection((link: LinkConnection) => link.onClose(resolve)),
    );
    await server.listen(path);
    const socket = connect(path);
    socket.on('error', () => {});
    socket.write(bytes);
    const end = await ended;
    socket.destroy();
    await server.close();
    return end;
  }

  it('a stream link closes at a message of an unknown kind', async () => {
    expect(await endOfRaw(Buffer.alloc(16, 0xee), 60_000)).to.have.nested.property(
      'error.code',
      'BAD_MESSAGE',
    );
  });

  it('a stream link closes when the first message stays incomplete', async () => {
    expect(await endOfRaw(Buffer.alloc(15, 1), 50)).to.have.nested.property('error.code', 'TIMED_OUT');
  });

  it('links that are read in turns keep their unfinished messages apart', async () => {
    const server = streamLink().createServer();
    const received: [link: number, value: number][] = [];
    const waiting = new Set<() => void>();
    let links = 0;
    server.onConnection((link) => {
      const number = links++;
      link.onMessage((_kind, value) => {
        received.push([number, value]);
        for (const wake of waiting) wake();
      });
    });
    await server.listen(path);
    const sockets: Socket[] = [];
    for (let count = 0; count < 3; count += 1) {
      const socket = connect(path);
      await once(socket, 'connect');
      sockets.push(socket);
    }
    // Each round ends with a whole message of the last link, which shows that it was read.
    const message = Buffer.alloc(MESSAGE_BYTES);
    for (let part = 0; part < MESSAGE_BYTES; part += 1) {
      for (const [number, socket] of sockets.slice(0, 2).entries()) {
        encodeMessage(message, 0, MessageKind.ACK, 0x1_0203_0405 + number);
        socket.write(message.subarray(part, part + 1));
      }
      encodeMessage(message, 0, MessageKind.ACK, part);
      sockets[2]!.write(Buffer.from(message));
      while (!received.some(([number, value]) => number === 2 && value === part))
        await new Promise<void>((resolve) => void waiting.add(resolve));
    }
    while (received.length < MESSAGE_BYTES + 2)
      await new Promise<void>((resolve) => void waiting.add(resolve));
    const byLink = received.filter(([number]) => number < 2).sort(([a], [b]) => a - b);
    expect(byLink).to.deep.equal([
      [0, 0x1_0203_0405],
      [1, 0x1_0203_0406],
    ]);
    for (const socket of sockets) socket.destroy();
    await server.close();
  });

  it('the socket file of a stream link is accessible for owner and group only', async () => {
    const server = streamLink().createServer();
    await server.listen(path);
    expect(lstatSync(path).mode & 0o777).to.equal(0o660);
    await server.close();
  });

  it('a stream link works in a worker thread', async () => {
    const server = streamLink().createServer();
    server.onConnection((link) => link.onMessage((kind, value) => link.signal(kind, value + 1)));
    await server.listen(path);
    const module = new URL('../../../../protocol/flow/signal-link/stream-link.js', import.meta.url).href;
    const code = `
      const { parentPort, workerData } = require('node:worker_threads');
      // Nothing else keeps a thread that waits for a module.
      const alive = setInterval(() => undefined, 1000);
      import(workerData.module).then(async ({ streamLink }) => {
        const link = await streamLink().connect(workerData.path);
        link.onMessage((kind, value) => { parentPort.postMessage(value); link.close(); clearInterval(alive); });
        link.signal(7, 41);
      });`;
    const worker = new Worker(code, { eval: true, workerData: { module, path } });
    expect(await once(worker, 'message')).to.deep.equal([42]);
    await once(worker, 'exit');
    await server.close();
  });
});
